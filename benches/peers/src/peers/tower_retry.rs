//! tower's `Retry`, with a policy that clones the request and backs off
//! exponentially, as in tower's docs.

use std::time::Duration;

use http::{Request, Response};
use tower::{
    retry::{
        Policy, RetryLayer,
        backoff::{Backoff, ExponentialBackoff, ExponentialBackoffMaker, MakeBackoff},
    },
    util::rng::HasherRng,
};

pub fn layer() -> RetryLayer<Cloning> {
    let [min, max] = [1, 30].map(Duration::from_secs);
    let maker = ExponentialBackoffMaker::new(min, max, 0.5, HasherRng::default());
    let backoff = maker.expect("the times are in order").make_backoff();
    RetryLayer::new(Cloning { left: 3, backoff })
}

#[derive(Clone, Debug)]
pub struct Cloning {
    left: u8,
    backoff: ExponentialBackoff,
}

impl<B: Clone, R, E> Policy<Request<B>, Response<R>, E> for Cloning {
    type Future = <ExponentialBackoff as Backoff>::Future;

    fn retry(
        &mut self,
        _request: &mut Request<B>,
        result: &mut Result<Response<R>, E>,
    ) -> Option<Self::Future> {
        let status = result.as_ref().map(Response::status);
        let failed = status.map_or(true, |it| it.is_server_error() || it.as_u16() == 429);
        if !failed || self.left == 0 {
            return None;
        }
        self.left -= 1;
        Some(self.backoff.next_backoff())
    }

    fn clone_request(&mut self, request: &Request<B>) -> Option<Request<B>> {
        Some(request.clone())
    }
}
