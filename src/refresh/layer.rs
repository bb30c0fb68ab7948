use tower_layer::Layer;

use super::Refresh;

/// Applies [`Refresh`] to a service; see the [module](super).
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct RefreshLayer;

impl RefreshLayer {
    /// Creates the layer. It has no settings.
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
