use std::{fmt::Debug, time::Duration};

use http::{HeaderValue, Request, header::RETRY_AFTER};
use tower::{Service, ServiceExt};
use tower_genesys::{
    GenesysLayer, Org, ReplayBody,
    testing::{MockGenesys, Route},
};

use crate::fixtures::mock_org;
pub(crate) use crate::fixtures::mock_org::{Body, USERS_PATH, org_of};

/// What comes out of the layers.
pub(crate) type Sent = Request<ReplayBody<Body>>;

pub(crate) const ME_PATH: &str = "/api/v2/tokens/me";

pub(crate) struct Setup {
    pub(crate) mock: MockGenesys,
    pub(crate) org: Org,
    pub(crate) layer: GenesysLayer,
}

/// Tokens come past what the tests put around the API, and one is there
/// already.
pub(crate) async fn setup() -> Setup {
    let setup = cold().await;
    setup.org.tokens().warm_up().await.expect("a token");
    setup
}

/// The same without a token.
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

    /// What this stack answers when something is read.
    pub(crate) async fn answer<S>(&self, stack: S, path: &str) -> S::Response
    where
        S: Service<Request<Body>, Error: Debug>,
    {
        stack.oneshot(self.get(path)).await.expect("no error")
    }

    /// The first request at this route is answered with 503, and to come back
    /// in a minute.
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
