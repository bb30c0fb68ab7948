use std::time::Duration;

use http::{Request, Response};
use tower::{Layer, ServiceExt};
use tower_genesys::{
    BoxError, CallOptions, Credentials, GenesysLayer, GenesysService, Org, TokenError,
    genesys::OrgBuilder,
    testing::{MockBody, MockGenesys, MockService},
};

use crate::fixtures::mock_org;
pub(crate) use crate::fixtures::mock_org::{Body, USERS_PATH as USERS};

pub(crate) const TOKENS_ME: &str = "/api/v2/tokens/me";

/// A mock in memory, an organisation on it, and the four layers around it.
#[derive(Clone)]
pub(crate) struct Setup {
    pub(crate) mock: MockGenesys,
    pub(crate) org: Org,
    pub(crate) genesys: GenesysService<MockService>,
}

pub(crate) fn setup() -> Setup {
    // One user keeps the JSON short for thousands of requests.
    setup_on(MockGenesys::builder().users(1).build(), |org| org)
}

pub(crate) fn setup_on(
    mock: MockGenesys,
    change: impl FnOnce(OrgBuilder<Credentials>) -> OrgBuilder<Credentials>,
) -> Setup {
    let org = change(mock_org::builder(&mock))
        .build::<Body>(mock.service())
        .expect("the region is https");
    let genesys = GenesysLayer::new(&org).layer(mock.service());
    Setup { mock, org, genesys }
}

impl Setup {
    pub(crate) fn get(&self, path: &str) -> Request<Body> {
        mock_org::get(&self.org, path)
    }

    /// Sends a GET, and returns the status, or the error.
    pub(crate) async fn status(&self, path: &str) -> Result<u16, BoxError> {
        Ok(self.send(self.get(path)).await?.status().as_u16())
    }

    pub(crate) async fn send(
        &self,
        request: Request<Body>,
    ) -> Result<Response<MockBody>, BoxError> {
        self.genesys.clone().oneshot(request).await
    }

    /// Sends a GET without retries, for tests that count the attempts at a
    /// failing token endpoint.
    pub(crate) async fn once(&self, path: &str) -> Result<u16, BoxError> {
        let mut request = self.get(path);
        request
            .extensions_mut()
            .insert(CallOptions::new().without_retry());
        Ok(self.send(request).await?.status().as_u16())
    }

    pub(crate) async fn token_error(&self) -> TokenError {
        let error = self.status(USERS).await.expect_err("there is no token");
        TokenError::find(&*error)
            .expect("it is in the chain")
            .clone()
    }
}

pub(crate) async fn after(wait: Duration) {
    tokio::time::sleep(wait).await;
}
