use std::{
    fs, io,
    io::Write,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;
use tower_genesys::genesys::paging::Checkpoint;

use crate::failure::{Code, Failure};

/// The progress of a report, in a file beside the output. The file is replaced
/// as a whole after each page, once the page is safe on the disk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) identity: Identity,
    /// The current slice of the interval. The first is 0.
    pub(crate) slice: u64,
    /// The place after the last page of this slice in the output.
    pub(crate) checkpoint: Checkpoint,
    pub(crate) counts: Counts,
    /// How many bytes of the output are valid.
    pub(crate) bytes: u64,
    /// The digest of those bytes.
    pub(crate) sha256: String,
    pub(crate) rows: u64,
}

/// The numbers of conversations that the lists of pages report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Counts {
    /// How many belong to earlier slices, if the API has said so.
    pub(crate) before: Option<u64>,
    /// How many this slice finds, if the API has said so.
    pub(crate) found: Option<u64>,
    /// How many of those were read.
    pub(crate) read: u64,
    /// How many of those belong to other slices, and are not written for this
    /// one.
    pub(crate) foreign: u64,
}

impl Counts {
    /// The numbers at the beginning of a slice.
    pub(crate) fn new(before: Option<u64>) -> Self {
        Self {
            before,
            found: None,
            read: 0,
            foreign: 0,
        }
    }

    /// Returns how many conversations belong to this slice and the earlier
    /// ones, judging by those that were read.
    pub(crate) fn total(&self) -> Option<u64> {
        let found = self.before?.checked_add(self.found?)?;
        Some(found.saturating_sub(self.foreign))
    }
}

/// The subject of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Identity {
    /// The organisation's id, which is unique across regions.
    pub(crate) organization: String,
    pub(crate) interval: String,
    pub(crate) format: String,
    pub(crate) job: bool,
}

impl Identity {
    /// Describes the differences from another subject.
    pub(crate) fn difference(&self, now: &Self) -> String {
        let job = |identity: &Self| if identity.job { "--job" } else { "no --job" }.to_owned();
        let fields = [
            (
                "organisation",
                self.organization.clone(),
                now.organization.clone(),
            ),
            ("interval", self.interval.clone(), now.interval.clone()),
            ("format", self.format.clone(), now.format.clone()),
            ("way", job(self), job(now)),
        ];
        let differ = fields.into_iter().filter(|(_, then, now)| then != now);
        let differ =
            differ.map(|(what, then, now)| format!("the {what} {then}, and this is {now}"));
        differ.collect::<Vec<_>>().join("; ")
    }
}

/// The first line of the file, before the digest of the rest.
const MAGIC: &str = "conversation_report state 2 sha256 ";
const ANY_VERSION: &str = "conversation_report state ";

pub(crate) fn path(output: &Path) -> PathBuf {
    let mut path = output.as_os_str().to_owned();
    path.push(".state");
    path.into()
}

/// Reads the file beside this output. Returns `None` if it does not exist.
pub(crate) fn load(output: &Path) -> Result<Option<State>, Failure> {
    let path = path(output);
    let bytes = match fs::read(&path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::io("read", &path)(error)),
    };
    parse(&bytes)
        .map(Some)
        .map_err(|why| unusable(output, &format!("{} {why}", path.display())))
}

fn parse(bytes: &[u8]) -> Result<State, String> {
    let damaged = |why: &str| format!("is damaged: {why}");
    let text = std::str::from_utf8(bytes).map_err(|_| damaged("it is no text"))?;
    let (head, rest) = text
        .split_once('\n')
        .ok_or_else(|| damaged("it is cut off"))?;
    let Some(digest) = head.strip_prefix(MAGIC) else {
        return Err(match head.starts_with(ANY_VERSION) {
            true => "was written by another version of this program".to_owned(),
            false => damaged("it does not begin as such a file does"),
        });
    };
    if digest != hex(Sha256::digest(rest)) {
        return Err(damaged("its checksum is wrong"));
    }
    serde_json::from_str(rest).map_err(|error| damaged(&error.to_string()))
}

/// Replaces the file. At any moment, either the old one or the new one exists.
pub(crate) fn save(output: &Path, state: &State) -> Result<(), Failure> {
    let path = path(output);
    replace(&path, state).map_err(Failure::io("written", &path))
}

fn replace(path: &Path, state: &State) -> io::Result<()> {
    let rest = serde_json::to_string_pretty(state)?;
    let folder = folder(path);
    let mut file = NamedTempFile::new_in(&folder)?;
    write!(file, "{MAGIC}{}\n{rest}", hex(Sha256::digest(&rest)))?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    sync(&folder)
}

/// Removes the file if it exists.
pub(crate) fn remove(output: &Path) -> Result<(), Failure> {
    let path = path(output);
    let removed = match fs::remove_file(&path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => sync(&folder(&path)),
    };
    removed.map_err(Failure::io("removed", &path))
}

/// A failure that says what is wrong, and how to start from scratch.
pub(crate) fn unusable(output: &Path, what: &str) -> Failure {
    let message = format!(
        "{what}. Nothing was changed. {} contains the progress of {}; to start from scratch, run the \
         same command with --restart, which empties it",
        path(output).display(),
        output.display()
    );
    Failure::new(Code::Unusable, message)
}

pub(crate) fn hex(digest: impl AsRef<[u8]>) -> String {
    digest
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn folder(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// Writes a folder to the disk: without it, the name of a new file may be lost.
fn sync(folder: &Path) -> io::Result<()> {
    if cfg!(unix) {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}
