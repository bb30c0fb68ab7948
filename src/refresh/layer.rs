use tower_layer::Layer;

use super::Refresh;

/// Replays a request once after a 401, with a newer token; see the
/// [module](super).
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct RefreshLayer;

impl RefreshLayer {
    /// Creates the layer. It has no settings.
    ///
    /// The [module docs](super#example) have an example.
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
