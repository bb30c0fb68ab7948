//! The operations of the API: their methods and paths, their effects, and how
//! they page.
//!
//! `table.txt` holds the facts, and `make operations` writes it from the
//! official API definition. [`lookup`] finds a line of it; [`Operation`] reads
//! that line.

mod lookup;

use std::fmt;

use http::{Method, Uri};

use crate::spans::Templates;

/// An operation of the Genesys Cloud API that the crate knows, from the
/// official API definition.
///
/// The table holds every POST, every list, the state of each job, and the few
/// other operations that are not safe to repeat: about half of the API's 3,355
/// operations, in 92 kB of text. Looking one up takes 0.5 to 3 microseconds and
/// allocates nothing.
///
/// ```
/// use http::Method;
/// use tower_genesys::genesys::{Effect, Operation};
///
/// let uri = "https://gw.example/genesys/api/v2/routing/queues/7/members";
/// let uri = uri.parse()?;
/// let operation = Operation::find(&Method::GET, &uri).expect("a list");
/// assert_eq!(operation.template(), "/api/v2/routing/queues/{}/members");
/// assert_eq!(operation.effect(), Some(Effect::Reads));
/// # Ok::<(), http::uri::InvalidUri>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Operation {
    line: &'static str,
}

/// The effect of a request at Genesys. [`Operation`] has an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Effect {
    /// Reads and answers at once: repeating it does no harm, whatever its
    /// method.
    Reads,
    /// Starts work that continues after the answer, such as a job.
    StartsWork,
    /// Creates, changes, deletes or uses up something.
    Changes,
}

impl Operation {
    /// Finds the operation of a request by its method and path.
    ///
    /// It ignores the query and any prefix before `/api/v2/`, such as a
    /// gateway's. Returns `None` if the table does not have the operation.
    pub fn find(method: &Method, uri: &Uri) -> Option<Self> {
        Self::at(method.as_str(), uri.path())
    }

    pub(crate) fn at(method: &str, path: &str) -> Option<Self> {
        lookup::find(method, path).map(|line| Self { line })
    }

    /// Returns all operations of the table, sorted by path.
    pub fn all() -> impl Iterator<Item = Self> {
        lookup::lines().map(|line| Self { line })
    }

    /// Returns the method, such as `POST`.
    pub fn method(&self) -> &'static str {
        self.column(1)
    }

    /// Returns the path from `/api/v2/` on, with `{}` for each id. It holds
    /// nothing of the request, so it is safe as a metric label.
    pub fn template(&self) -> String {
        format!("/api/v2/{}", self.column(0))
    }

    /// Returns the effect of the operation, or `None` if the definition leaves
    /// it open and the crate's authors have not judged it.
    ///
    /// The authors judged each operation by the definition's summaries and
    /// models. GETs read unless judged otherwise.
    pub fn effect(&self) -> Option<Effect> {
        match self.column(2) {
            "R" => Some(Effect::Reads),
            "J" => Some(Effect::StartsWork),
            "W" => Some(Effect::Changes),
            "-" if self.method() == "GET" => Some(Effect::Reads),
            _ => None,
        }
    }

    /// Returns how the operation pages, then after a slash the parameter for
    /// the page size.
    pub(crate) fn way(&self) -> &'static str {
        self.column(3)
    }

    /// Returns where the rows are: a path of fields, `.` for an array, `-` if
    /// the definition does not say.
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

/// Reports whether a request is safe to repeat, where its method does not tell
/// or misleads.
///
/// | answer | requests | how many |
/// |---|---|---|
/// | `Some(true)` | POSTs that only read, such as `…/details/query` and `/users/search` | 181 |
/// | `Some(false)` | POSTs that start work or change something | 691 |
/// | `Some(false)` | GETs, PUTs and DELETEs that are not safe to repeat, such as `GET /flows/instances/{id}` | 6 |
/// | `None` | everything else: the method decides | |
///
/// It looks the request up in the table of [`Operation`]s. A gateway's path
/// prefix is ignored.
///
/// ```
/// use http::Method;
/// use tower_genesys::genesys::is_read_only;
///
/// let query = "/api/v2/analytics/conversations/details/query".parse()?;
/// assert_eq!(is_read_only(&Method::POST, &query), Some(true));
/// let jobs = "/api/v2/analytics/conversations/details/jobs".parse()?;
/// assert_eq!(is_read_only(&Method::POST, &jobs), Some(false));
/// let instance = "/api/v2/flows/instances/7".parse()?; // it starts a job
/// assert_eq!(is_read_only(&Method::GET, &instance), Some(false));
/// let users = "/api/v2/users".parse()?;
/// assert_eq!(is_read_only(&Method::GET, &users), None);
/// # Ok::<(), http::uri::InvalidUri>(())
/// ```
pub fn is_read_only(method: &Method, uri: &Uri) -> Option<bool> {
    match Operation::find(method, uri)?.effect()? {
        Effect::StartsWork | Effect::Changes => Some(false),
        Effect::Reads => (method == Method::POST).then_some(true),
    }
}

/// Returns path templates for [`SpanLayer`](crate::SpanLayer): those of the
/// operations in the crate's [table](Operation), about half of the API.
///
/// ```
/// use http::Method;
/// use tower_genesys::genesys;
///
/// let uri = "https://api.mypurecloud.ie/api/v2/routing/queues/7/members";
/// let uri = uri.parse()?;
/// let template = genesys::templates().find(&Method::GET, &uri);
/// assert_eq!(template.as_deref(), Some("/api/v2/routing/queues/{}/members"));
/// # Ok::<(), http::uri::InvalidUri>(())
/// ```
pub fn templates() -> Templates {
    Templates::over(|method, uri| {
        let operation = Operation::find(method, uri)?;
        Some(operation.template().into())
    })
}
