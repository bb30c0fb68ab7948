use tower_layer::Layer;

use super::{Replay, body::Caps};

/// Makes the bodies of requests such that they can be sent again; see the
/// [module](super).
///
/// # Default
///
/// Of a stream of unknown length, up to 64 KiB are kept while it is sent; of
/// one of known length, 1 MiB.
#[derive(Clone, Copy, Debug)]
pub struct ReplayLayer {
    caps: Caps,
}

impl ReplayLayer {
    /// A layer with the default caps.
    pub const fn new() -> Self {
        Self {
            caps: Caps::DEFAULT,
        }
    }

    /// Keeps up to so many bytes of a stream that does not say how long it is.
    ///
    /// # Default
    ///
    /// 64 KiB. With zero no such stream is ever sent again.
    ///
    /// No more than a frame for each 128 bytes of the cap, and 16 besides, are
    /// kept: each costs memory of its own, however short it is.
    #[must_use]
    pub const fn with_unknown_cap(mut self, bytes: usize) -> Self {
        self.caps.unknown = bytes;
        self
    }

    /// Keeps streams up to this length, of those that say how long they are;
    /// nothing is kept of a longer one.
    ///
    /// # Default
    ///
    /// 1 MiB. It does not matter to a body that is in memory already. The
    /// number of frames is limited as in
    /// [`with_unknown_cap`](Self::with_unknown_cap).
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
