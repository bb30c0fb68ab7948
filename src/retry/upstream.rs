use super::{Budget, Throttle};
use crate::limiter::Limiter;

/// What all calls to one API share: its [`Throttle`] and its [`Budget`].
///
/// One for each organisation and token, since that is what an API counts. A
/// layer uses the one it was built with, or the one that the request names, see
/// [`RetryLayer::with_upstream_from`](super::RetryLayer::with_upstream_from).
///
/// # Default
///
/// The default throttle and the default budget.
///
/// # Cloning
///
/// A clone is the same upstream, and costs two reference counts.
///
/// There is an example in the [module docs](super#customising).
#[derive(Clone, Debug)]
pub struct Upstream {
    throttle: Option<Throttle>,
    budget: Option<Budget>,
}

impl Default for Upstream {
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
    pub fn with_throttle(mut self, throttle: Throttle) -> Self {
        self.throttle = Some(throttle);
        self
    }

    /// Uses this budget.
    #[must_use]
    pub fn with_budget(mut self, budget: Budget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// After a 429, each call waits for itself.
    #[must_use]
    pub fn without_throttle(mut self) -> Self {
        self.throttle = None;
        self
    }

    /// Retries are limited per call only.
    #[must_use]
    pub fn without_budget(mut self) -> Self {
        self.budget = None;
        self
    }

    /// Makes sends wait for slots of this limiter. Without a throttle, they
    /// wait for nothing else.
    pub(crate) fn with_limiter(mut self, limiter: Limiter) -> Self {
        let throttle = self.throttle.unwrap_or_else(Throttle::without_gates);
        self.throttle = Some(throttle.with_limiter(limiter));
        self
    }

    pub(crate) fn throttle(&self) -> Option<&Throttle> {
        self.throttle.as_ref()
    }

    pub(crate) fn budget(&self) -> Option<&Budget> {
        self.budget.as_ref()
    }
}
