//! The errors of a directory: when the store is created, and in operation.

use std::{error::Error, fmt, io, path::Path};

use crate::store::{StoreError, StoreErrorKind};

/// The reason why a [`FileStore`](super::FileStore) cannot use its directory.
///
/// The message names the directory and the next step. The source is the error
/// of the file system, if there is one.
///
/// ```
/// use tower_genesys::store::file::{FileStore, FileStoreErrorKind};
///
/// let error = FileStore::new("~/.cache/my-program").unwrap_err();
/// assert_eq!(error.kind(), FileStoreErrorKind::Inaccessible);
/// ```
#[derive(Debug)]
pub struct FileStoreError {
    kind: FileStoreErrorKind,
    message: String,
    source: Option<io::Error>,
}

/// The kind of a [`FileStoreError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FileStoreErrorKind {
    /// The path leads to a file or to a symbolic link.
    NotADirectory,
    /// The directory belongs to another user.
    Owner,
    /// Other users have access to the directory.
    Permissions,
    /// The directory cannot be created or read. Or its path begins with `~` or
    /// a variable such as `$HOME`, which only a shell expands.
    Inaccessible,
}

impl FileStoreError {
    /// Creates the error. The message is the name of the directory, followed by
    /// `what`.
    pub(super) fn new(kind: FileStoreErrorKind, directory: &Path, what: &str) -> Self {
        Self {
            kind,
            message: format!("the token directory {} {what}", directory.display()),
            source: None,
        }
    }

    pub(super) fn with_source(mut self, source: io::Error) -> Self {
        self.source = Some(source);
        self
    }

    /// Returns the kind of error.
    pub const fn kind(&self) -> FileStoreErrorKind {
        self.kind
    }
}

impl fmt::Display for FileStoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for FileStoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source
            .as_ref()
            .map(|source| source as &(dyn Error + 'static))
    }
}

/// Maps an error of a directory that was usable when the store was created.
impl From<FileStoreError> for StoreError {
    fn from(error: FileStoreError) -> Self {
        match error.source {
            Some(source) => Self::new(kind(&source), error.message).with_source(source),
            None => Self::new(StoreErrorKind::Denied, error.message),
        }
    }
}

/// Maps a file system error in this directory.
pub(super) fn failed(directory: &Path, error: io::Error) -> StoreError {
    let kind = kind(&error);
    let what = match kind {
        StoreErrorKind::Denied => {
            "is not writable; give its owner the rights to it (chmod 700, and 600 for the files in it), or choose one \
             that is not on a read-only file system"
        }
        _ => {
            "is unusable; check that its disk is neither full nor broken, and that it contains only files"
        }
    };
    let message = format!("the token directory {} {what}", directory.display());
    StoreError::new(kind, message).with_source(error)
}

/// Returns whether the process lacks a right, or the disk fails.
fn kind(error: &io::Error) -> StoreErrorKind {
    match error.kind() {
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            StoreErrorKind::Denied
        }
        _ => StoreErrorKind::Unavailable,
    }
}

#[cfg(all(test, unix))]
mod tests {
    use rustix::io::Errno;

    use super::*;

    #[test]
    fn what_a_disk_says_is_denied_or_unavailable() {
        use StoreErrorKind::{Denied, Unavailable};
        for (errno, expected) in [
            (Errno::ACCESS, Denied),
            (Errno::PERM, Denied),
            (Errno::ROFS, Denied),
            (Errno::NOSPC, Unavailable),
            (Errno::DQUOT, Unavailable),
            (Errno::IO, Unavailable),
        ] {
            let error = failed(Path::new("/some/where"), errno.into());
            assert_eq!(error.kind(), expected, "{errno:?}");
            assert!(error.to_string().contains("/some/where"), "{error}");
        }
    }
}
