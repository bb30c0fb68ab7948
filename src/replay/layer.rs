use tower_layer::Layer;

use super::{Replay, body::Caps};

/// Wraps request bodies so that they can be sent more than once; see the
/// [module](super).
///
/// # Default
///
/// While a stream is sent, up to 1 MiB of it is kept if its length is known,
/// and up to 64 KiB otherwise.
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use tower::{Layer, ServiceExt, service_fn};
/// use tower_genesys::{BoxError, ReplayBody, ReplayLayer, replay::CloneBody};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), BoxError> {
/// /// Uploads of up to 16 MiB can be resent, if their length is known.
/// const LAYER: ReplayLayer = ReplayLayer::new().with_known_cap(16 << 20);
///
/// type Body = ReplayBody<Full<Bytes>>;
/// let client = service_fn(async |request: Request<Body>| {
///     Ok::<_, BoxError>(Response::new(request.body().is_replayable()))
/// });
/// let request = Request::new(Full::from("in memory"));
/// assert!(LAYER.layer(client).oneshot(request).await?.into_body());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct ReplayLayer {
    caps: Caps,
}

impl ReplayLayer {
    /// Creates a layer with the default caps.
    pub const fn new() -> Self {
        Self {
            caps: Caps::DEFAULT,
        }
    }

    /// Sets how many bytes of a stream of unknown length are kept.
    ///
    /// With a cap of zero, such a stream is never resent, unless it is empty.
    /// A stream over the cap is sent, but only once.
    ///
    /// The cap also limits the number of kept frames, to 16 and one more for
    /// each 128 bytes of the cap, because each frame costs memory however short
    /// it is.
    ///
    /// The [module docs](super) have an example.
    ///
    /// # Default
    ///
    /// 64 KiB.
    #[must_use]
    pub const fn with_unknown_cap(mut self, bytes: usize) -> Self {
        self.caps.unknown = bytes;
        self
    }

    /// Sets the length in bytes up to which a stream of known length is kept.
    ///
    /// Nothing is kept of a longer stream: it is sent once. The number of
    /// frames is limited as in [`with_unknown_cap`](Self::with_unknown_cap).
    /// The cap does not apply to bodies that are in memory.
    ///
    /// [`ReplayLayer`] has an example.
    ///
    /// # Default
    ///
    /// 1 MiB.
    #[must_use]
    pub const fn with_known_cap(mut self, bytes: usize) -> Self {
        self.caps.known = bytes;
        self
    }
}

impl Default for ReplayLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for ReplayLayer {
    type Service = Replay<S>;

    fn layer(&self, inner: S) -> Replay<S> {
        Replay::with_caps(inner, self.caps)
    }
}
