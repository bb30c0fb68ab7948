use std::fmt;

use http::{Method, Uri};

use super::lookup;

/// An operation of the Genesys Cloud API that the crate knows, from the official API definition.
///
/// The table holds every POST, every list, and the few other operations that are not safe to
/// repeat: about half of the API's 3,355 operations, in 91 kB of text. Looking one up takes 0.5 to
/// 3 microseconds and allocates nothing.
///
/// ```
/// use http::Method;
/// use tower_genesys::genesys::{Effect, Operation};
///
/// let uri = "https://gw.example/genesys/api/v2/routing/queues/7/members".parse()?;
/// let operation = Operation::find(&Method::GET, &uri).expect("a list");
/// assert_eq!(operation.template(), "/api/v2/routing/queues/{}/members");
/// assert_eq!(operation.effect(), Some(Effect::Reads));
/// # Ok::<(), http::uri::InvalidUri>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    line: &'static str,
}

/// What a request does at Genesys.
///
/// An example: [`Operation`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Effect {
    /// Reads and answers at once: repeating it does no harm, whatever its method.
    Reads,
    /// Starts work that goes on after the answer, such as a job.
    StartsWork,
    /// Creates, changes, deletes or uses up something.
    Changes,
}

impl Operation {
    /// Finds the operation of a request by its method and path.
    ///
    /// Whatever stands in front of `/api/v2/`, such as a gateway's prefix, is ignored, and so is
    /// the query. `None` if the table does not have it.
    pub fn find(method: &Method, uri: &Uri) -> Option<Self> {
        Self::at(method.as_str(), uri.path())
    }

    pub(crate) fn at(method: &str, path: &str) -> Option<Self> {
        lookup::find(method, path).map(|line| Self { line })
    }

    /// All operations of the table, sorted by path.
    pub fn all() -> impl Iterator<Item = Self> {
        lookup::lines().map(|line| Self { line })
    }

    /// Returns the method, such as `POST`.
    pub fn method(&self) -> &'static str {
        self.column(1)
    }

    /// Returns the path from `/api/v2/` on, with `{}` for each id. Safe as a metric label: it holds
    /// nothing of the request.
    pub fn template(&self) -> String {
        format!("/api/v2/{}", self.column(0))
    }

    /// Returns what the operation does, or `None` where the definition leaves it open and nobody
    /// has judged it.
    ///
    /// The effects are a judgement by the crate's authors, made operation by operation from the
    /// definition's summaries and models. GETs read unless judged otherwise.
    pub fn effect(&self) -> Option<Effect> {
        match self.column(2) {
            "R" => Some(Effect::Reads),
            "J" => Some(Effect::StartsWork),
            "W" => Some(Effect::Changes),
            "-" if self.method() == "GET" => Some(Effect::Reads),
            _ => None,
        }
    }

    /// The word for how it pages, and the parameter for the size of a page behind a slash.
    pub(crate) fn way(&self) -> &'static str {
        self.column(3)
    }

    /// Where its rows are: a path of fields, `.` for an array, `-` where the definition is silent.
    pub(crate) fn rows(&self) -> &'static str {
        self.column(4)
    }

    fn column(&self, index: usize) -> &'static str {
        self.line.split(' ').nth(index).unwrap_or_default()
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method(), self.template())
    }
}

impl fmt::Debug for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Operation({})", self.line)
    }
}
