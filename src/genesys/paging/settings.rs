use std::time::Duration;

use super::{description::Name, exchange::Bounds};
use crate::call::CallOptions;

const MIB: usize = 1024 * 1024;

/// What a caller can set of a request for pages.
#[derive(Clone, Debug)]
pub(super) struct Settings {
    pub(super) rows: Option<Name>,
    /// The page size that the caller has set.
    pub(super) page_size: Option<u32>,
    /// The page size that is asked for: that one, or the one in the request.
    pub(super) asked_size: Option<u64>,
    pub(super) read_ahead: usize,
    pub(super) bounds: Bounds,
    pub(super) max_rows: u64,
    pub(super) heeds_total: bool,
    pub(super) poll_interval: Duration,
    pub(super) job_timeout: Duration,
    pub(super) options: CallOptions,
}

impl Settings {
    pub(super) fn new() -> Self {
        Self {
            rows: None,
            page_size: None,
            asked_size: None,
            read_ahead: 0,
            bounds: Bounds {
                bytes: 64 * MIB,
                time: Duration::from_secs(300),
            },
            max_rows: 100_000,
            heeds_total: true,
            poll_interval: Duration::from_secs(2),
            job_timeout: Duration::from_secs(3600),
            options: CallOptions::new(),
        }
    }

    /// The total of a page or a checkpoint, if totals are believed.
    pub(super) fn heeded<T>(&self, total: Option<T>) -> Option<T> {
        total.filter(|_| self.heeds_total)
    }
}
