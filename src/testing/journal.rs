//! The requests that have arrived at a mock: the counts of all, and the last of
//! them in full.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;
use http::{Method, StatusCode};

use super::{record::Recorded, route::Route};

/// The counts of all requests, and the last of them in full.
///
/// The counts are by method and path, because a test may ask for any route
/// afterwards.
pub(super) struct Journal {
    /// How many requests arrived, by method and by path without its prefix.
    counts: HashMap<Method, HashMap<Box<str>, u64>>,
    kept: VecDeque<Recorded>,
    /// How many requests to keep.
    keep: usize,
    /// The number of the first request in `kept`.
    first: u64,
}

impl Journal {
    pub(super) fn new(keep: usize) -> Self {
        Self {
            counts: HashMap::new(),
            kept: VecDeque::new(),
            keep,
            first: 0,
        }
    }

    /// Records a request, and returns the number under which to complete it.
    pub(super) fn arrive(&mut self, path: &str, recorded: Recorded) -> u64 {
        let paths = self.counts.entry(recorded.method().clone()).or_default();
        match paths.get_mut(path) {
            Some(count) => *count += 1,
            // The path is copied once, not for each request.
            None => drop(paths.insert(path.into(), 1)),
        }
        self.kept.push_back(recorded);
        let number = self.first + self.kept.len() as u64 - 1;
        if self.kept.len() > self.keep {
            self.kept.pop_front();
            self.first += 1;
        }
        number
    }

    /// Completes a request with its body, if it is still kept.
    pub(super) fn body(&mut self, number: u64, body: Bytes, complete: bool) {
        if let Some(recorded) = self.find(number) {
            recorded.set_body(body, complete);
        }
    }

    /// Completes a request with the status of its response, unless it is no
    /// longer kept.
    pub(super) fn answered(&mut self, number: u64, status: StatusCode) {
        if let Some(recorded) = self.find(number) {
            recorded.set_status(status);
        }
    }

    /// Returns a request by its number, if it is still kept.
    fn find(&mut self, number: u64) -> Option<&mut Recorded> {
        let index = number.checked_sub(self.first)?;
        self.kept.get_mut(usize::try_from(index).ok()?)
    }

    /// Returns the number of requests at a route, kept or not.
    pub(super) fn count(&self, route: &Route) -> u64 {
        let all = self.counts.iter().flat_map(|(method, paths)| {
            paths.iter().map(move |(path, count)| (method, path, count))
        });
        all.filter(|(method, path, _)| route.matches(method, path))
            .map(|(_, _, count)| count)
            .sum()
    }

    /// Returns the kept requests, oldest first.
    pub(super) fn kept(&self) -> Vec<Recorded> {
        self.kept.iter().cloned().collect()
    }
}
