use std::{fmt, sync::Arc};

use tower_layer::Layer;

use super::{CallObserver, Scope, Spanned, Templates, record::Settings};

/// Wraps services so that each call, or each attempt, gets a span.
///
/// The [module docs](super) have an example with both kinds, and list the
/// fields of a span.
#[derive(Clone)]
pub struct SpanLayer {
    settings: Arc<Settings>,
}

impl SpanLayer {
    /// Creates a span for each call. Put this layer outside of all layers of
    /// this crate.
    pub fn calls() -> Self {
        Self::new(Scope::Call)
    }

    /// Creates a span for each attempt. Put this layer inside of
    /// [`RetryLayer`](crate::RetryLayer), for example around the client.
    pub fn attempts() -> Self {
        Self::new(Scope::Attempt)
    }

    fn new(scope: Scope) -> Self {
        Self {
            settings: Arc::new(Settings::new(scope)),
        }
    }

    /// Sets the path templates. Default: [`Templates::none`], so spans have no
    /// `url.template`.
    #[must_use]
    pub fn with_templates(self, templates: Templates) -> Self {
        self.with(|settings| settings.templates = templates)
    }

    /// Reports each finished call or attempt to this observer, with its
    /// duration. Default: no observer. See [`CallObserver`] for an example.
    #[must_use]
    pub fn with_observer(self, observer: impl CallObserver + 'static) -> Self {
        self.with(|settings| settings.observer = Some(Arc::new(observer)))
    }

    fn with(mut self, change: impl FnOnce(&mut Settings)) -> Self {
        change(Arc::make_mut(&mut self.settings));
        self
    }
}

impl<S> Layer<S> for SpanLayer {
    type Service = Spanned<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Spanned::with_settings(inner, self.settings.clone())
    }
}

impl fmt::Debug for SpanLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpanLayer")
            .field("scope", &self.settings.scope)
            .field("templates", &self.settings.templates)
            .finish_non_exhaustive()
    }
}
