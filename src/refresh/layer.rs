use tower_layer::Layer;

use super::Refresh;

/// Applies [`Refresh`] to a service. See the [module](super) for what it does.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct RefreshLayer;

impl RefreshLayer {
    /// There is nothing to set.
    pub const fn new() -> Self {
        Self
    }
}

impl<S> Layer<S> for RefreshLayer {
    type Service = Refresh<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Refresh::new(inner)
    }
}
