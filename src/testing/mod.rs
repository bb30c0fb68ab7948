//! A Genesys Cloud for tests.

mod api;
mod body;
mod builder;
mod data;
mod error;
mod exchange;
mod grants;
mod hold;
mod mock;
mod oauth;
mod random;
mod record;
mod reply;
mod route;
mod script;
mod server;
mod service;
mod state;
mod timestamp;
mod tokens;

pub use self::{
    body::MockBody,
    builder::MockBuilder,
    error::{MockError, MockErrorKind},
    grants::Grant,
    hold::Held,
    mock::MockGenesys,
    record::Recorded,
    route::{
        ANY, ANY_API, CREATE_USER, DETAILS_JOB, DETAILS_JOB_RESULTS, DETAILS_JOBS, DETAILS_QUERY,
        Route, TOKEN, TOKENS_ME, USERS, USERS_ME,
    },
    script::Script,
    server::MockServer,
    service::{MockFuture, MockService},
};
