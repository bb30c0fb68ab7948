//! Lists of any operation, in the shape that its models have in the API definition.
//!
//! The shapes are generated apart from the table that the crate pages by, and nothing of that is
//! used here: a mock that paged by it would prove the table by itself.

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

/// The lists that were added to a mock, by their shape.
#[derive(Default)]
pub(super) struct Lists {
    lists: BTreeMap<&'static str, MockList>,
    jobs: Jobs,
}

impl Lists {
    /// Adds a list in the shape of the operation of this path.
    pub(super) fn add(&mut self, method: &Method, path: &str, list: MockList) -> bool {
        let shape = Shape::find(method, path);
        shape.is_some_and(|shape| {
            self.lists.insert(shape.name, list);
            true
        })
    }

    /// The answer of a list, if there is one for this request.
    pub(super) fn answer(
        &mut self,
        method: &Method,
        (path, query): (&str, &str),
        body: &[u8],
    ) -> Option<Reply> {
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
                true => self.jobs.start(&shape, list, &request),
                false => page::answer(&shape, list, &request),
            });
        }
        self.jobs.answer(&shape, &self.lists, &request)
    }
}
