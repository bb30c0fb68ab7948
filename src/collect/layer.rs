use tower_layer::Layer;

use super::Collect;

/// Wraps services so that a response body that breaks off is an error of the service.
///
/// The [module docs](super) say which bodies, and have an example.
#[derive(Clone, Copy, Debug)]
pub struct CollectLayer {
    cap: usize,
}

impl CollectLayer {
    /// How much of a body is collected by default: more than a page of the API holds, and bearable
    /// for a process with a hundred calls at a time.
    pub const DEFAULT_CAP: usize = 4 * 1024 * 1024;

    /// Collects bodies of up to 4 MiB.
    pub const fn new() -> Self {
        Self {
            cap: Self::DEFAULT_CAP,
        }
    }

    /// Collects bodies of up to this many bytes; with zero, it hands all bodies on as they are.
    /// Default: [`DEFAULT_CAP`](Self::DEFAULT_CAP).
    #[must_use]
    pub const fn with_cap(mut self, cap: usize) -> Self {
        self.cap = cap;
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
