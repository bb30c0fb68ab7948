use tower_layer::Layer;

use super::{CapError, Collect};

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

    /// Collects bodies of up to this many bytes.
    ///
    /// # Errors
    ///
    /// [`CapError`] if the cap is zero.
    pub const fn with_cap(cap: usize) -> Result<Self, CapError> {
        match cap {
            0 => Err(CapError),
            _ => Ok(Self { cap }),
        }
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
        Collect::new(inner, self.cap)
    }
}
