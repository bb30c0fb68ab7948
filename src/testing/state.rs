use std::{
    sync::{Mutex, MutexGuard},
    time::Duration,
};

use tokio::sync::Notify;

use super::{
    api::Api, clock::Clock, gates::Holds, grants::Grants, lists::Lists, random::Random,
    record::Journal, route::Route, rules::Rules, tokens::Tokens,
};
use crate::{genesys::Region, lock::lock};

/// What all handles of one mock share.
pub(super) struct Shared {
    pub(super) region: Region,
    pub(super) latency: Duration,
    state: Mutex<State>,
    /// Told after each arrival, and when a connection opens or closes.
    pub(super) changed: Notify,
}

pub(super) struct State {
    pub(super) clients: Vec<Client>,
    pub(super) grants: Grants,
    /// Where a login may return to.
    pub(super) redirect_uris: Vec<String>,
    /// Whether a login gives a refresh token.
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

pub(super) struct Client {
    pub(super) id: String,
    pub(super) secret: String,
    pub(super) enabled: bool,
}

#[derive(Default)]
pub(super) struct Connections {
    pub(super) accepted: usize,
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

    /// Never held across an await.
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        lock(&self.state)
    }

    /// Waits until this is true of the state.
    pub(super) async fn until(&self, done: impl Fn(&State) -> bool) {
        loop {
            let changed = self.changed.notified();
            if done(&self.lock()) {
                return;
            }
            changed.await;
        }
    }

    /// The path behind the base URL that it belongs to. What belongs to neither is taken as it is;
    /// but a path of ours that lacks its prefix is empty, so that no route mistakes it.
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

#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    Login(&'a str),
    Api(&'a str),
    Nowhere(&'a str),
}

impl<'a> Place<'a> {
    pub(super) fn path(self) -> &'a str {
        match self {
            Self::Login(path) | Self::Api(path) | Self::Nowhere(path) => path,
        }
    }
}

impl State {
    pub(super) fn count(&self, route: &Route) -> usize {
        usize::try_from(self.journal.count(route)).unwrap_or(usize::MAX)
    }

    pub(super) fn first_client(&mut self) -> Option<&mut Client> {
        self.clients.first_mut()
    }
}
