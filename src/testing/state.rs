//! The state of a mock, behind one lock, and the path prefixes of its region.

use std::{
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use tokio::sync::Notify;

use super::{
    api::Api, data::Random, grants::Grants, holds::Holds, journal::Journal, lists::Lists,
    route::Route, rules::Rules, timestamp::Clock, tokens::Tokens,
};
use crate::{genesys::Region, lock::lock};

/// The data that all handles of one mock share.
pub(super) struct Shared {
    /// The region of the in-memory service.
    pub(super) region: Region,
    /// How long each response takes at least.
    pub(super) latency: Duration,
    state: Mutex<State>,
    /// Notified after each arrival, and when a connection opens or closes.
    pub(super) changed: Notify,
}

/// Everything that requests change, or that decides how they are handled.
pub(super) struct State {
    /// The OAuth clients; the first is the one of the mock's methods.
    pub(super) clients: Vec<Client>,
    pub(super) grants: Grants,
    /// The redirect URIs that a login may name.
    pub(super) redirect_uris: Vec<String>,
    /// Whether a login returns a refresh token.
    pub(super) refresh_tokens: bool,
    pub(super) tokens: Tokens,
    pub(super) random: Random,
    pub(super) rules: Rules,
    pub(super) holds: Holds,
    pub(super) journal: Journal,
    pub(super) api: Api,
    pub(super) lists: Lists,
    pub(super) connections: Connections,
    pub(super) clock: Clock,
}

/// An OAuth client.
pub(super) struct Client {
    pub(super) id: String,
    pub(super) secret: String,
    /// Whether it may get tokens.
    pub(super) enabled: bool,
}

/// Connections to all servers of the mock.
#[derive(Default)]
pub(super) struct Connections {
    /// Since the mock was created.
    pub(super) accepted: usize,
    /// Now.
    pub(super) open: usize,
}

impl Shared {
    pub(super) fn new(region: Region, latency: Duration, state: State) -> Self {
        Self {
            region,
            latency,
            state: Mutex::new(state),
            changed: Notify::new(),
        }
    }

    /// Locks the state. Never held across an await.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Waits until the state fulfils a condition.
    pub(super) async fn until(&self, done: impl Fn(&State) -> bool) {
        loop {
            // Before the check: a change between check and wait is then
            // noticed.
            let changed = self.changed.notified();
            if done(&self.lock()) {
                return;
            }
            changed.await;
        }
    }

    /// Strips the prefix of the base URL that a path belongs to. A path of
    /// neither stays as it is. If an OAuth or API path lacks its prefix, the
    /// result is empty, so that no route matches it.
    pub(super) fn place<'a>(&self, path: &'a str) -> Place<'a> {
        let login = path.strip_prefix(self.region.login_prefix());
        if let Some(path) = login.filter(|path| path.starts_with("/oauth/")) {
            return Place::Login(path);
        }
        let api = path.strip_prefix(self.region.api_prefix());
        if let Some(path) = api.filter(|path| path.starts_with("/api/")) {
            return Place::Api(path);
        }
        let ours = path.starts_with("/oauth/") || path.starts_with("/api/");
        Place::Nowhere(if ours { "" } else { path })
    }
}

/// The part of Genesys Cloud that a path belongs to, and the rest of the path.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    /// The login host: `/oauth/…`.
    Login(&'a str),
    /// The API host: `/api/…`.
    Api(&'a str),
    /// Neither.
    Nowhere(&'a str),
}

impl<'a> Place<'a> {
    /// Returns the path that routes match.
    pub(super) fn path(self) -> &'a str {
        match self {
            Self::Login(path) | Self::Api(path) | Self::Nowhere(path) => path,
        }
    }
}

impl State {
    /// Returns the number of requests at a route.
    pub(super) fn count(&self, route: &Route) -> usize {
        usize::try_from(self.journal.count(route)).unwrap_or(usize::MAX)
    }

    /// Returns the first client. There is always one.
    pub(super) fn first_client(&mut self) -> Option<&mut Client> {
        self.clients.first_mut()
    }
}
