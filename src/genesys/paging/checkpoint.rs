use serde::{Deserialize, Deserializer, Serialize, de::Error};

/// A place between two pages, from which
/// [`PagedRequest::resume`](super::PagedRequest::resume) goes on: in another
/// process, or weeks later, as long as the API keeps the data.
///
/// It is made of JSON by serde, or of any other format, and holds no token and
/// nothing of a page. It knows the request that it belongs to, by a digest of
/// its path, body and page size, and is refused by another one. It does not
/// know the organisation: where one program works for several, keep it with the
/// organisation's id.
///
/// An example: [`paging`](crate::genesys::paging).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Wire", into = "Wire")]
pub struct Checkpoint {
    pub(super) request: Box<str>,
    pub(super) position: Position,
}

/// The next request of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Position {
    Start,
    Page {
        at: Place,
        /// How many rows there are in all, as the last page has it.
        total: Option<u64>,
        /// How many of them have come.
        rows: u64,
        /// The number of the page before, if it has one.
        page: Option<u64>,
    },
    Job {
        id: Box<str>,
        /// The page of its results; `Start` or `Page`.
        then: Box<Position>,
    },
    End,
}

/// What a page is asked for by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Place {
    /// Whatever the request says by itself.
    First,
    /// The number of the page, or of its first row.
    Number(u64),
    Token(Box<str>),
    /// Behind the base of the API.
    Link(Box<str>),
}

/// As it is stored.
#[derive(Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    #[serde(deserialize_with = "version")]
    version: u32,
    request: Box<str>,
    #[serde(deserialize_with = "place")]
    next: Position,
}

const VERSION: u32 = 2;

impl Checkpoint {
    pub(super) fn new(request: &str, position: Position) -> Self {
        Self {
            request: request.into(),
            position,
        }
    }

    /// Whether the page before was the last one, so that nothing is left to ask
    /// for.
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

/// The version is the first field, so another version is refused before its
/// unknown fields are.
fn version<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let version = u32::deserialize(deserializer)?;
    if version == VERSION {
        return Ok(version);
    }
    Err(D::Error::custom(format_args!(
        "a checkpoint of version {version}, and this program reads {VERSION}: go on with the program that wrote \
         it, or start afresh without it"
    )))
}

/// A store that sorts the fields has this one come before the version.
fn place<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Position, D::Error> {
    Position::deserialize(deserializer).map_err(|error| {
        D::Error::custom(format_args!(
            "{error}; the checkpoint is damaged, or of another version than {VERSION}: go on with the program that \
             wrote it, or start afresh without it"
        ))
    })
}
