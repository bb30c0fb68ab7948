use std::{ops::Range, time::Duration};

use bytes::Bytes;
use http::{Method, Request, Response};
use http_body_util::Full;
use tokio::time::{Instant, sleep};
use tower::{Service, ServiceExt, service_fn};
use tower_genesys::{
    BoxError, Credentials, Org, Region, ReplayBody,
    testing::{ANY_API, CREATE_USER, DETAILS_QUERY, MockBody, MockGenesys, Route, TOKEN, USERS},
};

use crate::ledger::Ledger;

pub(crate) type Body = Full<Bytes>;

const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const LIFETIME: Duration = Duration::from_secs(4 * 3600);
/// How long before its end a token is due at the earliest: ten minutes, and
/// half as much of jitter.
pub(crate) const DUE: Duration = Duration::from_secs(15 * 60);
const OUTAGE: Duration = Duration::from_secs(600);
/// Shorter than the rest of a token's lifetime once it is due, so that no
/// caller notices.
const TOKEN_OUTAGE: Duration = Duration::from_secs(300);

/// A request of the program.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Get,
    Query,
    Create,
}

impl Kind {
    fn route(self) -> Route {
        match self {
            Self::Get => USERS,
            Self::Query => DETAILS_QUERY,
            Self::Create => CREATE_USER,
        }
    }
}

/// The trouble of one call.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Trouble {
    None,
    Revoked,
    Unavailable,
    Throttled,
    Reset,
}

/// Trouble that lasts for minutes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Outage {
    Api,
    TokenEndpoint,
}

/// One organisation, its Genesys Cloud, and a program that calls it every half
/// a minute on average.
#[derive(Clone)]
pub(crate) struct Tenant {
    pub(crate) mock: MockGenesys,
    pub(crate) org: Org,
    pub(crate) ledger: Ledger,
    number: u64,
}

impl Tenant {
    pub(crate) fn new(number: u64) -> Self {
        let base = format!("https://gw{number}.example");
        let mock = MockGenesys::builder()
            .region(Region::custom(&base, &base).expect("a base URL"))
            .client(format!("id-{number}"), format!("secret-{number}"))
            .seed(number)
            .token_lifetime(LIFETIME)
            .users(1)
            .conversations(1)
            .keep_requests(1)
            .build();
        let ledger = Ledger::default();
        let credentials = Credentials::new(mock.client_id(), mock.client_secret());
        let org = Org::builder(mock.region())
            .credentials(credentials.expect("well-formed"))
            .observer(ledger.tokens())
            .build::<Body>(mock.service())
            .expect("the region is https");
        Self {
            mock,
            org,
            ledger,
            number,
        }
    }

    pub(crate) fn name(&self) -> String {
        format!("organisation {}", self.number)
    }

    /// Calls until this time, one call after the other.
    pub(crate) async fn run<S>(&self, stack: S, until: Instant)
    where
        S: Service<Request<Body>, Response = Response<MockBody>, Error = BoxError> + Clone,
    {
        let mut random = fastrand::Rng::with_seed(self.number);
        // The cache would damp a second revocation within minutes, which is
        // another test's subject.
        let mut last_revocation = Instant::now() - OUTAGE;
        let mut outage: Option<(Outage, Instant)> = None;
        while Instant::now() < until {
            sleep(Duration::from_millis(random.u64(1000..60_000))).await;
            outage = self.weather(&mut random, outage);
            let kind = [Kind::Get, Kind::Query, Kind::Create][random.usize(0..3)];
            let quiet = outage.is_none() && last_revocation.elapsed() > OUTAGE;
            let trouble = if quiet {
                self.trouble(&mut random, kind)
            } else {
                Trouble::None
            };
            if trouble == Trouble::Revoked {
                last_revocation = Instant::now();
            }
            let in_outage = outage.is_some_and(|(what, _)| what == Outage::Api);
            self.call(stack.clone(), kind, trouble, in_outage).await;
        }
    }

    /// Begins an outage about once in a thousand calls, and ends it after
    /// minutes.
    fn weather(
        &self,
        random: &mut fastrand::Rng,
        outage: Option<(Outage, Instant)>,
    ) -> Option<(Outage, Instant)> {
        match outage {
            Some((Outage::Api, began)) if began.elapsed() < OUTAGE => outage,
            Some((Outage::TokenEndpoint, began)) if began.elapsed() < TOKEN_OUTAGE => outage,
            Some(_) => {
                self.mock.clear_script();
                None
            }
            None if random.u32(0..1000) == 0 => {
                let what = [Outage::Api, Outage::TokenEndpoint][random.usize(0..2)];
                match what {
                    Outage::Api => self.mock.on(ANY_API).reply_503(),
                    Outage::TokenEndpoint => self.mock.on(TOKEN).reply_503(),
                };
                Some((what, Instant::now()))
            }
            None => None,
        }
    }

    fn trouble(&self, random: &mut fastrand::Rng, kind: Kind) -> Trouble {
        let next = || self.mock.on(kind.route()).once();
        match random.u32(0..400) {
            // A token that is due would be renewed for that reason, and not for
            // the refusal.
            0 if self.is_fresh() => {
                self.mock.revoke_all();
                Trouble::Revoked
            }
            1 => {
                next().reply_503();
                Trouble::Unavailable
            }
            2 => {
                next().reply_429(Duration::from_secs(5));
                Trouble::Throttled
            }
            3 => {
                next().reset();
                Trouble::Reset
            }
            _ => Trouble::None,
        }
    }

    /// Whether a renewal is neither in flight nor near.
    fn is_fresh(&self) -> bool {
        let status = self.org.tokens().status();
        let far = |left: Duration| left > 2 * DUE;
        status.renewing.is_none() && status.valid_for.is_some_and(far)
    }

    async fn call<S>(&self, stack: S, kind: Kind, trouble: Trouble, in_outage: bool)
    where
        S: Service<Request<Body>, Response = Response<MockBody>, Error = BoxError>,
    {
        let before = self.mock.api_calls() as u64;
        let began = Instant::now();
        let result = stack.oneshot(self.request(kind)).await;
        let sends = self.mock.api_calls() as u64 - before;
        let ok = result.is_ok_and(|response| response.status().is_success());

        let mut entries = self.ledger.read();
        entries.calls += 1;
        entries.failures += u64::from(!ok);
        entries.revocations += u64::from(trouble == Trouble::Revoked);
        if in_outage {
            entries.excused += u64::from(!ok);
            let expected = if kind == Kind::Create { 1..2 } else { 1..5 };
            within(&expected, sends);
            return;
        }
        let may_be_done = matches!(trouble, Trouble::Unavailable | Trouble::Reset);
        let excused = may_be_done && kind == Kind::Create;
        entries.excused += u64::from(excused);
        let expected = if trouble == Trouble::None || excused {
            1
        } else {
            2
        };
        assert_eq!((ok, sends), (!excused, expected), "{}", self.name());
        assert!(began.elapsed() < MINUTE, "{:?}", began.elapsed());
    }

    fn request(&self, kind: Kind) -> Request<Body> {
        let (method, path, body) = match kind {
            Kind::Get => (Method::GET, "/api/v2/users", ""),
            Kind::Query => {
                let path = "/api/v2/analytics/conversations/details/query";
                (
                    Method::POST,
                    path,
                    r#"{"interval":"2026-01-01T00:00:00Z/2026-01-02T00:00:00Z"}"#,
                )
            }
            Kind::Create => {
                let body = r#"{"name":"Ada","email":"ada@example.com"}"#;
                (Method::POST, "/api/v2/users", body)
            }
        };
        let request = Request::builder()
            .method(method)
            .uri(self.org.api(path).expect("a path of the API"))
            .header("content-type", "application/json")
            .extension(self.org.clone());
        request.body(Body::from(body)).expect("a request")
    }
}

fn within(expected: &Range<u64>, sends: u64) {
    assert!(expected.contains(&sends), "{sends} sends");
}

/// A client that reaches the mock of each organisation, by host.
pub(crate) fn route(
    tenants: &[Tenant],
) -> impl Service<
    Request<ReplayBody<Body>>,
    Response = Response<MockBody>,
    Error = BoxError,
    Future: Send,
> + Clone
+ use<> {
    let mocks: Vec<_> = tenants.iter().map(|tenant| tenant.mock.clone()).collect();
    service_fn(move |request: Request<ReplayBody<Body>>| {
        let host = request.uri().host().unwrap_or_default();
        let at = |mock: &&MockGenesys| mock.region().api_host() == host;
        let service = mocks.iter().find(at).expect("one of them").service();
        async move { service.oneshot(request).await.map_err(BoxError::from) }
    })
}
