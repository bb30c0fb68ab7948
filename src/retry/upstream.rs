use std::sync::Arc;

use super::{Budget, Throttle};

/// What all calls to one API share: its [`Throttle`] and its [`Budget`].
///
/// One for each organisation and token, since that is what an API counts. A layer uses the one it
/// was built with, or the one that the request names, see
/// [`RetryLayer::with_upstream_from`](super::RetryLayer::with_upstream_from).
///
/// # Default
///
/// The default throttle and the default budget.
///
/// # Cloning
///
/// A clone is the same upstream, and costs a reference count.
///
/// There is an example in the [module docs](super#customising).
#[derive(Clone, Debug, Default)]
pub struct Upstream {
    shared: Arc<Shared>,
}

#[derive(Clone, Debug)]
struct Shared {
    throttle: Option<Throttle>,
    budget: Option<Budget>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            throttle: Some(Throttle::new()),
            budget: Some(Budget::default()),
        }
    }
}

impl Upstream {
    /// An upstream of its own, with the default throttle and budget.
    pub fn new() -> Self {
        Self::default()
    }

    /// Uses this throttle.
    #[must_use]
    pub fn with_throttle(self, throttle: Throttle) -> Self {
        self.with(|shared| shared.throttle = Some(throttle))
    }

    /// Uses this budget.
    #[must_use]
    pub fn with_budget(self, budget: Budget) -> Self {
        self.with(|shared| shared.budget = Some(budget))
    }

    /// After a 429, each call waits for itself.
    #[must_use]
    pub fn without_throttle(self) -> Self {
        self.with(|shared| shared.throttle = None)
    }

    /// Retries are limited per call only.
    #[must_use]
    pub fn without_budget(self) -> Self {
        self.with(|shared| shared.budget = None)
    }

    fn with(mut self, change: impl FnOnce(&mut Shared)) -> Self {
        change(Arc::make_mut(&mut self.shared));
        self
    }

    pub(crate) fn throttle(&self) -> Option<&Throttle> {
        self.shared.throttle.as_ref()
    }

    pub(crate) fn budget(&self) -> Option<&Budget> {
        self.shared.budget.as_ref()
    }
}
