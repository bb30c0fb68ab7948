//! The place between two pages, and its stored format.
//!
//! `belonging.rs` decides whether a checkpoint fits a request; `walk.rs` starts
//! from it.

use serde::{Deserialize, Deserializer, Serialize, de::Error};

/// A place between two pages. [`PagedRequest::resume`] continues from there, in
/// another process or weeks later, as long as the API keeps the data.
///
/// It serializes with serde, to JSON or any other self-describing format. It
/// contains no access token and no row; of the pages, it has only counts, and
/// what leads to the next one, such as a token or a link. It knows its request
/// by a digest of path, body and page size, and is refused by any other request
/// ([`PageErrorKind::Checkpoint`]). It does not know the organisation: a
/// program that works for several organisations keeps the organisation's id
/// beside it.
///
/// ```
/// # use bytes::Bytes;
/// # use futures_util::StreamExt;
/// # use http_body_util::Full;
/// # use serde_json::Value;
/// # use tower::Layer;
/// # use tower_genesys::{Credentials, GenesysLayer, Org, Pager};
/// # use tower_genesys::testing::MockGenesys;
/// use tower_genesys::genesys::paging::Checkpoint;
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), tower_genesys::BoxError> {
/// # let mock = MockGenesys::builder().users(30).build();
/// # let keys = Credentials::new(mock.client_id(), mock.client_secret())?;
/// # let org = Org::builder(mock.region()).credentials(keys);
/// # let org = org.build(mock.http_client())?;
/// # let genesys = GenesysLayer::new(&org).layer(mock.http_client());
/// # let pager = Pager::new(&org, genesys);
/// let users = || pager.get("/api/v2/users?pageSize=20");
/// let first = users().pages::<Value>().next().await.expect("a page")?;
/// let saved = serde_json::to_string(&first.checkpoint)?; // to a disk
///
/// let from: Checkpoint = serde_json::from_str(&saved)?;
/// assert!(!from.is_end());
/// let mut rest = users().resume(from).pages::<Value>();
/// let last = rest.next().await.expect("a page")?;
/// assert_eq!((first.rows.len(), last.rows.len()), (20, 10));
/// assert!(last.checkpoint.is_end());
/// # Ok(())
/// # }
/// ```
///
/// [`PageErrorKind::Checkpoint`]: super::PageErrorKind::Checkpoint
/// [`PagedRequest::resume`]: super::PagedRequest::resume
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Wire", into = "Wire")]
pub struct Checkpoint {
    /// The digest of the request; see `belonging.rs`.
    pub(super) request: Box<str>,
    pub(super) position: Position,
}

/// The next request of a stream.
///
/// The names of variants and fields are the stored format: a change of them
/// needs another [`VERSION`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Position {
    /// The first page, or the request that starts the job.
    Start,
    /// Some later page.
    Page {
        at: Place,
        /// The total of the last page, against which the next one is checked.
        total: Option<u64>,
        /// How many rows the stream has returned so far.
        rows: u64,
        /// The number that the last page stated, if any. It detects a link that
        /// leads back after a resume, when the trail of places is gone.
        page: Option<u64>,
    },
    /// A job that was started, for which to wait or whose results to read.
    Job {
        id: Box<str>,
        /// The page of its results; `Start` or `Page`.
        then: Box<Position>,
    },
    /// The last page has come; there is no next request.
    End,
}

/// How the request for a page names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Place {
    /// The request as the caller wrote it.
    First,
    /// The number of the page, or of its first row.
    Number(u64),
    /// A token of the page before, or the id of its last row.
    Token(Box<str>),
    /// A path and query, relative to the base URL of the API. It has been
    /// checked, and completed with the caller's parameters.
    Link(Box<str>),
}

/// A checkpoint as it is stored: with a version, which comes first.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    #[serde(deserialize_with = "version")]
    version: u32,
    request: Box<str>,
    #[serde(deserialize_with = "place")]
    next: Position,
}

/// The version of the stored format. A program refuses any other version: to
/// guess at a position could skip rows.
const VERSION: u32 = 2;

impl Checkpoint {
    pub(super) fn new(request: &str, position: Position) -> Self {
        Self {
            request: request.into(),
            position,
        }
    }

    /// Returns whether the page before was the last one. A stream that resumes
    /// from here ends at once.
    pub fn is_end(&self) -> bool {
        self.position == Position::End
    }
}

impl From<Checkpoint> for Wire {
    fn from(checkpoint: Checkpoint) -> Self {
        Self {
            version: VERSION,
            request: checkpoint.request,
            next: checkpoint.position,
        }
    }
}

impl From<Wire> for Checkpoint {
    fn from(wire: Wire) -> Self {
        Self {
            request: wire.request,
            position: wire.next,
        }
    }
}

/// Reads the version. It is the first field, so another version is refused
/// before its unknown fields are.
fn version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let version = u32::deserialize(deserializer)?;
    if version == VERSION {
        return Ok(version);
    }
    Err(D::Error::custom(format_args!(
        "the checkpoint has version {version}, and this program reads version {VERSION}; resume \
         with the program that wrote it, or start afresh without it"
    )))
}

/// Reads the position. A store that sorts fields puts it before the version, so
/// this error also names the version as a possible cause.
fn place<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Position, D::Error> {
    Position::deserialize(deserializer).map_err(|error| {
        D::Error::custom(format_args!(
            "{error}; the checkpoint is damaged, or of another version than {VERSION}; resume \
             with the program that wrote it, or start afresh without it"
        ))
    })
}
