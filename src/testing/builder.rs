//! The settings of a mock, and how they become its state.

use std::{fmt, sync::Arc, time::Duration};

use super::{
    MockGenesys,
    api::Api,
    data::Random,
    grants::Grants,
    holds::Holds,
    journal::Journal,
    lists::Lists,
    rules::Rules,
    state::{Client, Connections, Shared, State},
    timestamp::Clock,
    tokens::Tokens,
};
use crate::genesys::Region;

/// Settings of a [`MockGenesys`].
///
/// ```
/// use std::time::Duration;
/// use tower_genesys::{Region, testing::MockGenesys};
///
/// let mock = MockGenesys::builder()
///     .client("my-client-id", "my-client-secret")
///     .redirect_uri("http://127.0.0.1:8080/callback")
///     .region(Region::EU_WEST_1)
///     .token_lifetime(Duration::from_secs(300))
///     .max_tokens(2)
///     .refresh_tokens(false)
///     .rate_limit(300)
///     .conversations(1000)
///     .users(10)
///     .latency(Duration::from_millis(50))
///     .seed(7)
///     .keep_requests(100)
///     .build();
/// assert_eq!(mock.client_id(), "my-client-id");
/// assert_eq!(mock.region(), Region::EU_WEST_1);
///
/// let tokens: Vec<_> = (0..3).map(|_| mock.mint_token()).collect();
/// assert_eq!(mock.live_tokens(), 2, "the third has evicted the first");
/// assert!(!mock.revoke(&tokens[0]));
/// ```
#[derive(Clone)]
#[must_use = "call `build`"]
pub struct MockBuilder {
    /// Id and secret of each.
    clients: Vec<(String, String)>,
    redirect_uris: Vec<String>,
    region: Region,
    token_lifetime: Duration,
    max_tokens: usize,
    refresh_tokens: bool,
    rate_limit: Option<u32>,
    conversations: usize,
    users: usize,
    latency: Duration,
    seed: u64,
    keep_requests: usize,
}

impl MockBuilder {
    pub(super) fn new() -> Self {
        Self {
            clients: Vec::new(),
            redirect_uris: Vec::new(),
            region: Region::US_EAST_1,
            token_lifetime: Duration::from_secs(86_400),
            max_tokens: 1000,
            refresh_tokens: true,
            rate_limit: None,
            conversations: 120,
            users: 60,
            latency: Duration::ZERO,
            seed: 0,
            keep_requests: 10_000,
        }
    }

    /// Adds an OAuth client.
    ///
    /// # Default
    ///
    /// If none is added, one client: `client-id` with `client-secret`.
    pub fn client(mut self, id: impl Into<String>, secret: impl Into<String>) -> Self {
        self.clients.push((id.into(), secret.into()));
        self
    }

    /// Adds a URI to which `/oauth/authorize` may redirect a browser. As in
    /// Genesys Cloud, a login must name it exactly.
    ///
    /// # Default
    ///
    /// No URI, so the mock refuses each login at `/oauth/authorize`.
    pub fn redirect_uri(mut self, uri: impl Into<String>) -> Self {
        self.redirect_uris.push(uri.into());
        self
    }

    /// Sets the region. The mock matches only the path prefixes of its base
    /// URLs, not the hosts.
    ///
    /// # Default
    ///
    /// [`Region::US_EAST_1`].
    pub fn region(mut self, region: Region) -> Self {
        self.region = region;
        self
    }

    /// Sets the lifetime of tokens. `expires_in` is one second less, in whole
    /// seconds.
    ///
    /// # Default
    ///
    /// 86,400 seconds.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.token_lifetime = lifetime;
        self
    }

    /// Sets how many tokens may be valid at once, at least 1. Beyond that, the
    /// mock evicts the oldest.
    ///
    /// # Default
    ///
    /// 1000.
    pub fn max_tokens(mut self, count: usize) -> Self {
        self.max_tokens = count;
        self
    }

    /// Sets whether a login returns a refresh token. In organisations with an
    /// inactivity timeout, it does not.
    ///
    /// # Default
    ///
    /// True.
    pub fn refresh_tokens(mut self, given: bool) -> Self {
        self.refresh_tokens = given;
        self
    }

    /// Limits the API requests of each token per minute. The minute begins with
    /// the first of them. Genesys Cloud allows 300.
    ///
    /// # Default
    ///
    /// No limit.
    pub fn rate_limit(mut self, per_minute: u32) -> Self {
        self.rate_limit = Some(per_minute);
        self
    }

    /// Sets the number of conversations, spread evenly over
    /// [`MockGenesys::interval`].
    ///
    /// # Default
    ///
    /// 120.
    pub fn conversations(mut self, count: usize) -> Self {
        self.conversations = count;
        self
    }

    /// Sets the number of users.
    ///
    /// # Default
    ///
    /// 60.
    pub fn users(mut self, count: usize) -> Self {
        self.users = count;
        self
    }

    /// Sets how long each response takes, on tokio's clock.
    ///
    /// # Default
    ///
    /// Zero: in memory, responses are ready at the first poll.
    pub fn latency(mut self, latency: Duration) -> Self {
        self.latency = latency;
        self
    }

    /// Sets the seed of tokens, ids and data. The same seed produces the same
    /// ones in the same order.
    ///
    /// # Default
    ///
    /// 0.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Sets how many of the last requests the mock keeps for
    /// [`MockGenesys::requests`]. Counts include all requests.
    ///
    /// # Default
    ///
    /// 10,000.
    pub fn keep_requests(mut self, count: usize) -> Self {
        self.keep_requests = count;
        self
    }

    /// Builds the mock.
    pub fn build(mut self) -> MockGenesys {
        // Here rather than in `new`, so that the first `client` replaces the
        // default.
        if self.clients.is_empty() {
            self = self.client("client-id", "client-secret");
        }
        let client = |(id, secret)| Client {
            id,
            secret,
            enabled: true,
        };
        // One source for everything, so the order of use decides what a seed
        // produces: first the data, then tokens and ids as requests need them.
        let mut random = Random::new(self.seed);
        let state = State {
            clients: self.clients.into_iter().map(client).collect(),
            grants: Grants::new(),
            redirect_uris: self.redirect_uris,
            refresh_tokens: self.refresh_tokens,
            tokens: Tokens::new(self.max_tokens, self.token_lifetime, self.rate_limit),
            api: Api::new(&mut random, self.conversations, self.users),
            random,
            rules: Rules::default(),
            holds: Holds::default(),
            lists: Lists::default(),
            journal: Journal::new(self.keep_requests),
            connections: Connections::default(),
            clock: Clock::default(),
        };
        let shared = Shared::new(self.region, self.latency, state);
        MockGenesys::from_shared(Arc::new(shared))
    }
}

/// Omits the secrets.
impl fmt::Debug for MockBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let clients: Vec<_> = self.clients.iter().map(|(id, _)| id).collect();
        f.debug_struct("MockBuilder")
            .field("clients", &clients)
            .field("region", &self.region)
            .field("token_lifetime", &self.token_lifetime)
            .field("rate_limit", &self.rate_limit)
            .field("conversations", &self.conversations)
            .field("users", &self.users)
            .finish_non_exhaustive()
    }
}
