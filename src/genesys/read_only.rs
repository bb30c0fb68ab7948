use http::{Method, Uri};

use super::operation::{Effect, Operation};

/// Reports whether a request is safe to repeat, if its method does not tell.
///
/// | answer | requests | from the official definition |
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
