use std::{error::Error, io, time::Duration};

use tower_genesys::{
    Credentials, Org,
    testing::{DETAILS_QUERY, MockGenesys, MockServer},
};

use crate::{HttpClient, interval::Interval};

/// A mocked Genesys Cloud on a loopback port, with all kinds of trouble.
pub(crate) struct Demo {
    mock: MockGenesys,
    server: MockServer,
}

impl Demo {
    pub(crate) async fn start() -> io::Result<Self> {
        let mock = MockGenesys::builder()
            .conversations(9_000)
            .latency(Duration::from_millis(350))
            // Short enough that the token is renewed often, while requests are
            // in flight.
            .token_lifetime(Duration::from_secs(6))
            .build();
        mock.on(DETAILS_QUERY).nth(20).revoke_token();
        mock.on(DETAILS_QUERY)
            .nth(40)
            .reply_429(Duration::from_secs(4));
        mock.on(DETAILS_QUERY).nth(55).reply_503();
        mock.on(DETAILS_QUERY).nth(70).revoke_token();
        let server = mock.serve().await?;
        Ok(Self { mock, server })
    }

    pub(crate) fn org(&self, client: HttpClient) -> Result<Org, Box<dyn Error + Send + Sync>> {
        let credentials = Credentials::new(self.mock.client_id(), self.mock.client_secret())?;
        let builder = Org::builder(self.server.region()).credentials(credentials);
        Ok(builder.allow_loopback().build(client)?)
    }

    pub(crate) fn interval(&self) -> Result<Interval, String> {
        self.mock.interval().parse()
    }
}
