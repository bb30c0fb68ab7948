use std::time::Duration;

use http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use tower_genesys::testing::{ANY_API, CREATE_USER, MockBuilder, MockGenesys, USERS};

/// A fault, and the size of the job that it happens to.
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) job: Job,
    pub(crate) requests: u32,
    pub(crate) at_a_time: u32,
    /// The token comes from a login, and a refresh token renews it.
    pub(crate) login: bool,
    pub(crate) settings: fn(MockBuilder) -> MockBuilder,
    pub(crate) script: fn(&MockGenesys),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Job {
    Get,
    Create,
}

impl Scenario {
    const fn get(name: &'static str, requests: u32, at_a_time: u32) -> Self {
        Self {
            name,
            job: Job::Get,
            requests,
            at_a_time,
            login: false,
            settings: |mock| mock,
            script: |_| {},
        }
    }

    const fn create(name: &'static str, script: fn(&MockGenesys)) -> Self {
        let one = Self::get(name, 1, 1);
        Self {
            job: Job::Create,
            script,
            ..one
        }
    }
}

pub(crate) const SCENARIOS: &[Scenario] = &[
    Scenario {
        script: |mock| drop(mock.on(USERS).nth(100).revoke_token()),
        ..Scenario::get("revoked, one request at a time", 200, 1)
    },
    Scenario {
        settings: |mock| mock.latency(Duration::from_millis(20)),
        script: |mock| drop(mock.on(USERS).nth(100).revoke_token()),
        ..Scenario::get("revoked, 20 at a time", 200, 20)
    },
    Scenario {
        settings: |mock| {
            mock.token_lifetime(Duration::from_secs(3))
                .latency(Duration::from_millis(40))
        },
        ..Scenario::get("token lives for 3 s, job takes 8 s", 200, 1)
    },
    Scenario {
        script: |mock| drop(mock.on(USERS).reply_401()),
        ..Scenario::get("every token refused", 100, 1)
    },
    Scenario {
        settings: |mock| mock.rate_limit(100).latency(Duration::from_millis(20)),
        ..Scenario::get("limit of 100 a minute, 20 at a time", 150, 20)
    },
    Scenario::create("POST, 503", |mock| drop(mock.on(CREATE_USER).reply_503())),
    Scenario::create("POST, 503 with Retry-After: 1", |mock| {
        let second = HeaderValue::from_static("1");
        drop(
            mock.on(CREATE_USER)
                .first(1)
                .reply_503()
                .header(RETRY_AFTER, second),
        );
    }),
    Scenario::create("POST, connection cut before the answer", |mock| {
        drop(mock.on(CREATE_USER).reset())
    }),
    Scenario::create("POST, carried out, answer cut", |mock| {
        drop(mock.on(CREATE_USER).truncated_body())
    }),
    Scenario {
        login: true,
        script: |mock| drop(mock.on(ANY_API).first(150).reply_401()),
        ..Scenario::get("logged in, 401 for 150 times", 1, 1)
    },
    Scenario {
        login: true,
        ..Scenario::create("logged in, POST, token refused once", |mock| {
            drop(
                mock.on(CREATE_USER)
                    .nth(1)
                    .reply_status(StatusCode::UNAUTHORIZED),
            )
        })
    },
];
