//! A Genesys Cloud for tests, in memory or on a loopback port.
//!
//! [`MockGenesys`] behaves like the real one where clients make mistakes: the
//! errors of the token endpoint, tokens that end early, rate limits, the last
//! page of a list. It shares no code with the layers of this crate, except for
//! [`Region`](crate::Region) and the body type of [`MockClient`], so it can
//! test any client.
//!
//! ```
//! use http::{Request, StatusCode, header};
//! use http_body_util::{BodyExt, Full};
//! use tower::ServiceExt;
//! use tower_genesys::testing::{DETAILS_QUERY, MockGenesys};
//!
//! # tokio_test::block_on(async {
//! let mock = MockGenesys::builder().conversations(30).build();
//! mock.on(DETAILS_QUERY).nth(2).revoke_token();
//!
//! let query = "/api/v2/analytics/conversations/details/query";
//! let ask = |token: &str| {
//!     let body = format!(r#"{{"interval":"{}"}}"#, mock.interval());
//!     let request = Request::post(mock.region().api(query)?)
//!         .header(header::AUTHORIZATION, format!("Bearer {token}"))
//!         .body(Full::<bytes::Bytes>::from(body))?;
//!     Ok::<_, Box<dyn std::error::Error>>(mock.service().oneshot(request))
//! };
//! let token = mock.mint_token();
//! let first = ask(&token)?.await?;
//! let body = first.collect().await?.to_bytes();
//! let page: serde_json::Value = serde_json::from_slice(&body)?;
//! assert_eq!(page["totalHits"], 30);
//! assert_eq!(page["conversations"].as_array().map(Vec::len), Some(25));
//!
//! assert_eq!(ask(&token)?.await?.status(), StatusCode::UNAUTHORIZED);
//! assert_eq!(mock.count(DETAILS_QUERY), 2);
//! assert_eq!(mock.requests()[1].bearer(), Some(&*token));
//! # Ok::<_, Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! # In memory and on the wire
//!
//! [`service`](MockGenesys::service) is a tower service that replaces the HTTP
//! client. It uses no sockets and no tasks, and serves
//! [`region`](MockGenesys::region), an ordinary one with https.
//! [`serve`](MockGenesys::serve) starts a real server for HTTP/1.1 and h2c, for
//! clients with their own transport; its base URLs are [`MockServer::region`].
//! Both are the same Genesys Cloud: a token from one is valid at the other, and
//! they count together.
//!
//! # What it knows
//!
//! The token endpoint has the grants client credentials, authorization code
//! (with or without PKCE), refresh token (rotating) and SAML2 bearer. A login
//! by a browser begins at `GET /oauth/authorize`, which asks for no password:
//! if the client, its [redirect URI](MockBuilder::redirect_uri) and the code
//! challenge are right, it redirects back at once, with a code. The API has
//!
//! - `POST /api/v2/analytics/conversations/details/query`, and the same as a
//!   job, below `/api/v2/analytics/conversations/details`: `POST …/jobs`, `GET
//!   …/jobs/{id}` (queued at the first poll, fulfilled at the third, unless
//!   [`end_jobs`](MockGenesys::end_jobs) ends it), `DELETE …/jobs/{id}`, `GET
//!   …/jobs/{id}/results` and `GET …/jobs/availability`;
//! - `/api/v2/users`: `GET` (with `id`, `state`, `sortOrder`) and `POST`;
//!   `/api/v2/users/{id}`: `GET`, `PATCH` (with the current `version`) and
//!   `DELETE`;
//! - `/api/v2/users/me`: `GET`; `/api/v2/tokens/me`: `GET`, `HEAD` and
//!   `DELETE`.
//!
//! A conversation query reads `interval`, `order` and `paging`, and ignores
//! filters. All conversations begin within [`interval`](MockGenesys::interval).
//! The query finds those that began on any UTC day that its interval touches,
//! so adjacent slices of a day overlap. The job finds those that were active in
//! its interval.
//!
//! [`add_list`](MockGenesys::add_list) adds any other list of the API, with
//! pages in the shape of the API definition, a job's results included. Script
//! every other response with [`on`](MockGenesys::on) and
//! [`reply_json`](Script::reply_json).
//!
//! Browsers may use the mock. It responds to their preflight requests, but does
//! not count them, and no rule applies to them.
//!
//! # Scripting
//!
//! [`on`](MockGenesys::on) makes a rule in one line: first the requests, then
//! their response or fault, from a 429 to a body that never ends. Ordinals
//! count from the start of the mock. [`Script`] has all selectors and actions.
//!
//! ```
//! # use std::time::Duration;
//! use tower_genesys::testing::{ANY_API, MockGenesys, TOKEN, USERS};
//!
//! let mock = MockGenesys::new();
//! mock.on(USERS).every(5).reply_429(Duration::from_secs(42));
//! mock.on(TOKEN).first(1).throttle_400();
//! mock.on(ANY_API).nth(7).delay(Duration::from_secs(2)).reset();
//! # assert_eq!(mock.token_posts(), 0);
//! ```
//!
//! For concurrent requests, [`hold`](MockGenesys::hold) keeps requests waiting,
//! and [`wait_for`](MockGenesys::wait_for) returns when enough have arrived. So
//! tests need no sleep.
//!
//! # Counting
//!
//! [`count`](MockGenesys::count) returns the number of requests at a [`Route`],
//! and [`requests`](MockGenesys::requests) the most recent ones in full, byte
//! for byte.
//!
//! # Clock
//!
//! Tokens, limits and delays use tokio's clock. In a test with
//! `#[tokio::test(start_paused = true)]`, a day passes with
//! `tokio::time::advance`. Do not pause the clock on the wire: it runs ahead
//! whenever all tasks wait for sockets.
//!
//! # Secrets
//!
//! `Debug` of these types never shows a token or a secret. [`Recorded`] returns
//! them on request.

mod api;
mod authorize;
mod body;
mod builder;
#[doc(hidden)] // for the two macros, which generate a test for each check
pub mod conformance;
mod cors;
mod data;
mod error;
mod exchange;
mod grants;
mod hold;
mod holds;
mod journal;
mod lists;
mod mock;
mod oauth;
mod record;
mod reply;
mod route;
mod rules;
mod script;
mod server;
mod service;
mod state;
mod timestamp;
mod tokens;

pub use self::{
    api::JobEnd,
    body::MockBody,
    builder::MockBuilder,
    error::{MockError, MockErrorKind},
    grants::Grant,
    hold::Held,
    lists::MockList,
    mock::MockGenesys,
    record::Recorded,
    route::{
        ANY, ANY_API, AUTHORIZE, CREATE_USER, DETAILS_JOB, DETAILS_JOB_RESULTS, DETAILS_JOBS,
        DETAILS_QUERY, Route, TOKEN, TOKENS_ME, USERS, USERS_ME,
    },
    script::Script,
    server::MockServer,
    service::{MockClient, MockFuture, MockService},
};
