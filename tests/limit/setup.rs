//! Processes on a mock, and a store that counts.
//!
//! `fastrand` supplies the jitter of slots, waits and backoffs. A test that
//! seeds it, for its own thread, states exact times.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use http::{Response, StatusCode};
use tower::{Layer, ServiceExt};
use tower_genesys::{
    BoxError, CallOptions, GenesysLayer, GenesysService, Org, Sharing,
    store::{Limit, MemoryStore, Operation, book::LimitEvent},
    testing::{MockBody, MockGenesys, MockService},
};

use crate::fixtures::mock_org;
pub(crate) use crate::fixtures::mock_org::{Body, USERS_PATH, builder};

pub(crate) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// A process: an organisation, and the layers around a client.
#[derive(Clone)]
pub(crate) struct Process {
    pub(crate) org: Org,
    pub(crate) genesys: GenesysService<MockService>,
}

impl Process {
    pub(crate) fn alone(mock: &MockGenesys, limit: Limit) -> Self {
        Self::over(
            mock,
            builder(mock)
                .process_limit(limit)
                .build::<Body>(mock.service()),
        )
    }

    pub(crate) fn sharing(mock: &MockGenesys, store: &MemoryStore, limit: Limit) -> Self {
        let sharing = Sharing::unsealed(store.clone());
        Self::over(
            mock,
            builder(mock)
                .share(sharing)
                .shared_limit(limit, store.clone())
                .build::<Body>(mock.service()),
        )
    }

    pub(crate) fn unlimited(mock: &MockGenesys) -> Self {
        Self::over(mock, builder(mock).build::<Body>(mock.service()))
    }

    pub(crate) fn over(
        mock: &MockGenesys,
        org: Result<Org, tower_genesys::genesys::ConfigError>,
    ) -> Self {
        let org = org.expect("settings that work");
        let genesys = GenesysLayer::new(&org).layer(mock.service());
        Self { org, genesys }
    }

    pub(crate) async fn get(&self, path: &str) -> Response<MockBody> {
        self.get_with(path, CallOptions::new()).await
    }

    pub(crate) async fn get_with(&self, path: &str, options: CallOptions) -> Response<MockBody> {
        self.send(path, options).await.expect("an answer")
    }

    pub(crate) async fn send(
        &self,
        path: &str,
        options: CallOptions,
    ) -> Result<Response<MockBody>, BoxError> {
        let mut request = mock_org::get(&self.org, path);
        request.extensions_mut().insert(options);
        self.genesys.clone().oneshot(request).await
    }

    /// Sends `count` requests at once. Returns how many got this status.
    pub(crate) async fn burst(&self, count: usize, status: StatusCode) -> usize {
        let calls = (0..count).map(|_| self.get(USERS_PATH));
        let answers = futures_util::future::join_all(calls).await;
        answers
            .iter()
            .filter(|answer| answer.status() == status)
            .count()
    }
}

pub(crate) fn operations(store: &MemoryStore) -> u64 {
    store.calls(Operation::Reserve) + store.calls(Operation::Refuse)
}

/// The events that an observer has received.
#[derive(Clone, Default)]
pub(crate) struct Told {
    events: Arc<Mutex<Vec<LimitEvent>>>,
}

impl Told {
    pub(crate) fn by(&self, limit: Limit) -> Limit {
        let events = self.events.clone();
        limit.with_observer(move |event: &LimitEvent| {
            events.lock().expect("no panic").push(*event);
        })
    }

    pub(crate) fn all(&self) -> Vec<LimitEvent> {
        self.events.lock().expect("no panic").clone()
    }

    pub(crate) fn count(&self, name: &str) -> usize {
        self.all()
            .iter()
            .filter(|event| event.as_str() == name)
            .count()
    }
}
