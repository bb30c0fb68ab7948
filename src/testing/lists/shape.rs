//! The shape of an operation: which parameters it takes, and which fields its
//! response has. Read from `shapes.txt`.

use http::Method;
use serde_json::Value;

/// One operation a line: method and path, parameters of the query and of the
/// body, the field with the rows, and the other fields of the response.
/// `make operations` writes it.
const SHAPES: &str = include_str!("shapes.txt");

/// The paging parameters and fields of an operation.
#[derive(Clone, Copy)]
pub(super) struct Shape {
    /// Method and path, with blank ids.
    pub(super) name: &'static str,
    /// Paging parameters of the query, with spaces between them.
    query: &'static str,
    /// Fields of the body that say something about paging.
    body: &'static str,
    /// The field with the rows, or `-`.
    rows: &'static str,
    /// The other fields of the response.
    says: &'static str,
}

/// The parts of a request that a list reads.
#[derive(Clone, Copy)]
pub(super) struct Request<'a> {
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    /// `null` without a body.
    pub(super) body: &'a Value,
}

impl Shape {
    /// Finds the shape of an operation. If several fit, the one with the fewest
    /// ids wins: `users/me` is not a user.
    pub(super) fn find(method: &Method, path: &str) -> Option<Self> {
        let own = SHAPES.lines().filter_map(|line| {
            let rest = line.strip_prefix(method.as_str())?.strip_prefix(' ')?;
            fits(rest.split('|').next()?, path).then_some(line)
        });
        own.min_by_key(|line| line.matches("{}").count())
            .and_then(Self::read)
    }

    /// Reads a line of the file.
    fn read(line: &'static str) -> Option<Self> {
        let [name, query, body, rows, says] = line.split('|').collect::<Vec<_>>()[..] else {
            return None;
        };
        Some(Self {
            name,
            query,
            body,
            rows,
            says,
        })
    }

    /// Returns the path, with blank ids.
    pub(super) fn template(&self) -> &'static str {
        self.name.split_once(' ').unwrap_or_default().1
    }

    /// Returns whether the query takes this parameter.
    pub(super) fn takes(&self, parameter: &str) -> bool {
        self.query.split(' ').any(|own| own == parameter)
    }

    /// Returns whether the body takes this parameter.
    pub(super) fn takes_in_body(&self, parameter: &str) -> bool {
        self.body.split(' ').any(|own| own == parameter)
    }

    /// Returns the same shape, with these parameters in the body.
    pub(super) fn taking_in_body(&self, body: &'static str) -> Self {
        Self { body, ..*self }
    }

    /// Returns the field with the rows: `results` if the definition does not
    /// name it.
    pub(super) fn rows(&self) -> &'static str {
        match self.rows {
            "-" => "results",
            rows => rows,
        }
    }

    /// Returns the other fields of the response, those in an object with its
    /// name and a dot.
    pub(super) fn says(&self) -> impl Iterator<Item = &'static str> + use<> {
        self.says.split(' ').filter(|field| !field.is_empty())
    }

    /// Returns whether the response to a POST names a job instead of rows.
    pub(super) fn starts_job(&self) -> bool {
        let names = ["jobId", "id", "executionId"];
        self.name.starts_with("POST")
            && self.rows == "-"
            && self.says().any(|one| names.contains(&one))
    }
}

/// Returns whether a path has the segments of a template.
fn fits(template: &str, path: &str) -> bool {
    let mut segments = path.split('/');
    template.split('/').all(|wanted| {
        segments
            .next()
            .is_some_and(|one| one == wanted || wanted == "{}" && !one.is_empty())
    }) && segments.next().is_none()
}
