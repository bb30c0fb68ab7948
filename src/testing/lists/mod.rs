//! Lists of any operation, in the shape of its models in the API definition.
//!
//! The shapes are generated separately from the table that the crate uses for
//! paging. If the mock used that table too, it would repeat the table's errors,
//! and tests could not find them.

mod jobs;
mod list;
mod page;
mod shape;

use std::collections::BTreeMap;

use http::Method;

pub use self::list::MockList;
use self::{
    jobs::Jobs,
    shape::{Request, Shape},
};
use super::reply::Reply;

/// The lists of a mock, by their shape.
#[derive(Default)]
pub(super) struct Lists {
    /// By method and path, with blank ids.
    lists: BTreeMap<&'static str, MockList>,
    /// The jobs that requests to these lists have started.
    jobs: Jobs,
}

impl Lists {
    /// Adds a list in the shape of the operation at this path. Returns false
    /// for an unknown operation.
    pub(super) fn add(&mut self, method: &Method, path: &str, list: MockList) -> bool {
        let shape = Shape::find(method, path);
        shape.is_some_and(|shape| {
            self.lists.insert(shape.name, list);
            true
        })
    }

    /// Responds to a request for a list, or returns `None` if no list matches.
    pub(super) fn respond(
        &mut self,
        method: &Method,
        (path, query): (&str, &str),
        body: &[u8],
    ) -> Option<Reply> {
        // Most tests add none, and need not search the shapes.
        if self.lists.is_empty() {
            return None;
        }
        let shape = Shape::find(method, path)?;
        let body = serde_json::from_slice(body).unwrap_or_default();
        let request = Request {
            path,
            query,
            body: &body,
        };
        if let Some(list) = self.lists.get(shape.name) {
            return Some(match shape.starts_job() {
                true => self.jobs.start(&shape, &request),
                false => page::respond(&shape, list, &request),
            });
        }
        // Not a list itself: perhaps the status or the results of one's job.
        self.jobs.respond(&shape, &self.lists, &request)
    }
}
