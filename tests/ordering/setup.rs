use std::{fmt::Debug, time::Duration};

use http::{HeaderValue, Request, header::RETRY_AFTER};
use tower::{Service, ServiceExt};
use tower_genesys::{
    GenesysLayer, Org, ReplayBody,
    testing::{MockGenesys, Route},
};

use crate::fixtures::mock_org;
pub(crate) use crate::fixtures::mock_org::{Body, USERS_PATH, org_of};

/// A request as the layers send it.
pub(crate) type Sent = Request<ReplayBody<Body>>;

pub(crate) const ME_PATH: &str = "/api/v2/tokens/me";

pub(crate) struct Setup {
    pub(crate) mock: MockGenesys,
    pub(crate) org: Org,
    pub(crate) layer: GenesysLayer,
}

/// A mock with its organisation and layers, which has a token already. Token
/// requests bypass the layers that the tests put around the API.
pub(crate) async fn setup() -> Setup {
    let setup = cold().await;
    setup.org.tokens().warm_up().await.expect("a token");
    setup
}

/// The same, but without a token yet.
pub(crate) async fn cold() -> Setup {
    let mock = MockGenesys::builder().users(1).build();
    let org = org_of(&mock);
    let layer = GenesysLayer::new(&org);
    Setup { mock, org, layer }
}

impl Setup {
    pub(crate) fn get(&self, path: &str) -> Request<Body> {
        mock_org::get(&self.org, path)
    }

    /// The response of this stack to a GET.
    pub(crate) async fn answer<S>(&self, stack: S, path: &str) -> S::Response
    where
        S: Service<Request<Body>, Error: Debug>,
    {
        stack.oneshot(self.get(path)).await.expect("no error")
    }

    /// Answers the first request to this route with a 503 and a `Retry-After`
    /// of a minute.
    pub(crate) fn fails_once(&self, route: Route) {
        let minute = HeaderValue::from_static("60");
        self.mock
            .on(route)
            .nth(1)
            .reply_503()
            .header(RETRY_AFTER, minute);
    }
}

pub(crate) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
