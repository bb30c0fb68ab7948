use std::num::NonZeroUsize;

use tower_layer::Layer;

use super::{Collect, service::DEFAULT_CAP};

/// Wraps services so that a response body that breaks off becomes an error of
/// the service.
///
/// Put it inside of [`RetryLayer`](crate::RetryLayer), which then retries the
/// request if that is safe. The [module docs](super) list which bodies it
/// collects, and have an example.
#[derive(Clone, Copy, Debug)]
pub struct CollectLayer {
    cap: usize,
}

impl CollectLayer {
    /// The default cap, 4 MiB: more than a page of the API needs, and
    /// affordable for a process with a hundred calls in flight.
    pub const DEFAULT_CAP: usize = DEFAULT_CAP;

    /// Collects bodies of up to [`DEFAULT_CAP`](Self::DEFAULT_CAP), 4 MiB.
    pub const fn new() -> Self {
        Self {
            cap: Self::DEFAULT_CAP,
        }
    }

    /// Sets the cap in bytes. Default: [`DEFAULT_CAP`](Self::DEFAULT_CAP).
    ///
    /// A cap of zero would collect nothing, so it cannot be set. Leave the
    /// layer out instead, or use
    /// [`CallOptions::without_collecting`](crate::CallOptions::without_collecting)
    /// for one request.
    ///
    /// ```
    /// use tower_genesys::CollectLayer;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), tower::BoxError> {
    /// # use http_body_util::BodyExt;
    /// # use tower::{Layer, ServiceExt};
    /// # let client = tower::service_fn(|_| async {
    /// #     let page = String::from("a page");
    /// #     Ok::<_, tower::BoxError>(http::Response::new(page))
    /// # });
    /// let bytes: usize = 16 * 1024 * 1024;
    /// let layer = CollectLayer::new().with_cap(bytes.try_into()?);
    /// let client = layer.layer(client);
    /// let response = client.oneshot(http::Request::new(())).await?;
    /// assert_eq!(response.collect().await?.to_bytes(), "a page");
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub const fn with_cap(mut self, cap: NonZeroUsize) -> Self {
        self.cap = cap.get();
        self
    }
}

impl Default for CollectLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Layer<S> for CollectLayer {
    type Service = Collect<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Collect::with_cap(inner, self.cap)
    }
}
