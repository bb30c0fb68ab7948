use super::{Budget, Throttle};
use crate::limiter::Limiter;

/// The [`Throttle`] and the [`Budget`] that all calls to one API share.
///
/// Use one for each organisation and token, because the API counts requests per
/// token. A layer uses the upstream that it was built with, or the one that the
/// request names
/// ([`RetryLayer::with_upstream_from`](super::RetryLayer::with_upstream_from)).
///
/// # Default
///
/// The default throttle and the default budget.
///
/// # Cloning
///
/// A clone is the same upstream, and costs two reference counts.
///
/// ```
/// use tower_genesys::{RetryLayer, RetryPolicy, retry::{Budget, Upstream}};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// // Two stacks, for two kinds of work, on one token.
/// let budget = Budget::new(20, 10);
/// let upstream = Upstream::new().with_budget(budget.clone());
/// let jobs = RetryLayer::new(RetryPolicy::new().with_max_sends(6));
/// let jobs = jobs.with_upstream(upstream.clone());
/// let users = RetryLayer::default().with_upstream(upstream);
/// assert_eq!(budget.available(), 20); // for both together
/// # let _ = (jobs, users);
/// # }
/// ```
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
    /// Creates an upstream with a new default throttle and a new default
    /// budget.
    pub fn new() -> Self {
        Self::default()
    }

    /// Replaces the throttle.
    ///
    /// [`Throttle`] has an example.
    #[must_use]
    pub fn with_throttle(mut self, throttle: Throttle) -> Self {
        self.throttle = Some(throttle);
        self
    }

    /// Replaces the budget.
    ///
    /// [`Upstream`] has an example.
    #[must_use]
    pub fn with_budget(mut self, budget: Budget) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Removes the throttle: after a 429, only the call that got it waits.
    #[must_use]
    pub fn without_throttle(mut self) -> Self {
        self.throttle = None;
        self
    }

    /// Removes the budget: only the limits of each call bound its retries.
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
