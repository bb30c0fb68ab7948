//! Why a login file cannot be used.

use std::{borrow::Cow, error::Error, fmt, path::Path};

use crate::{
    BoxError,
    store::{
        StoreError, StoreErrorKind,
        file::{FileStoreError, Foreign},
    },
};

/// The reason why a [`LoginFile`](super::LoginFile) cannot be used.
///
/// The message names the file and the next step, but shows nothing of its
/// contents.
///
/// An example is at [`LoginFile`](super::LoginFile).
#[derive(Debug)]
pub struct LoginFileError {
    kind: LoginFileErrorKind,
    message: Cow<'static, str>,
    source: Option<BoxError>,
}

/// The kind of a [`LoginFileError`].
///
/// An example is at [`LoginFile`](super::LoginFile).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LoginFileErrorKind {
    /// The directory of the file belongs to another user, gives access to
    /// others, or cannot be created. The source of the error is a
    /// [`FileStoreError`](crate::store::file::FileStoreError).
    Directory,
    /// The path has no file name, or leads to a symbolic link, a directory or a
    /// named pipe.
    NotAFile,
    /// The file belongs to another user.
    Owner,
    /// Other users have access to the file, or its owner has none.
    Permissions,
    /// The contents of the file are damaged, or another program wrote them.
    Damaged,
    /// Another version of this crate wrote the file, in another format.
    Version,
    /// The file is sealed, but was opened with `LoginFile::unsealed`, or the
    /// other way round. Or no key of the ring opens it.
    Sealed,
    /// The disk is full, broken or read-only; another process has had the lock
    /// for a second; or there is no tokio runtime.
    Unavailable,
}

impl LoginFileError {
    /// `what` is printed after the name of the file.
    pub(super) fn new(kind: LoginFileErrorKind, path: &Path, what: &str) -> Self {
        Self {
            kind,
            message: format!("the login file {} {what}", path.display()).into(),
            source: None,
        }
    }

    pub(super) fn foreign(foreign: Foreign, path: &Path) -> Self {
        use LoginFileErrorKind as Kind;
        let (kind, what) = match foreign {
            Foreign::NotAFile => (
                Kind::NotAFile,
                "is a link, a directory or a pipe; give the file itself",
            ),
            Foreign::Owner => (
                Kind::Owner,
                "belongs to another user; choose a file for each user",
            ),
            Foreign::Permissions => (
                Kind::Permissions,
                "is accessible to other users; remove their access (chmod 600), and log in again if they may \
                 have read it",
            ),
            Foreign::Unreadable => (
                Kind::Permissions,
                "cannot be read by its owner; restore the owner's access (chmod 600)",
            ),
            Foreign::TooLong => (
                Kind::Damaged,
                "is too long for a login file; choose another name, or move the file away",
            ),
        };
        Self::new(kind, path, what)
    }

    pub(super) fn unreadable(kind: StoreErrorKind, path: &Path) -> Self {
        match kind {
            StoreErrorKind::Incompatible => Self::new(
                LoginFileErrorKind::Version,
                path,
                "was written by another version of this crate; use that one, or log in again, which replaces the \
                 file",
            ),
            _ => Self::new(
                LoginFileErrorKind::Damaged,
                path,
                "is damaged, or is not a login file; log in again, which replaces it",
            ),
        }
    }

    pub(super) fn failed(path: &Path, error: impl Into<BoxError>) -> Self {
        let what = "cannot be read or written (see the cause); check whether its disk is full, broken or \
                    read-only";
        Self::new(LoginFileErrorKind::Unavailable, path, what).with_source(error)
    }

    pub(super) fn with_source(mut self, source: impl Into<BoxError>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Returns the kind.
    pub const fn kind(&self) -> LoginFileErrorKind {
        self.kind
    }
}

impl fmt::Display for LoginFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for LoginFileError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn Error + 'static))
    }
}

impl From<FileStoreError> for LoginFileError {
    fn from(error: FileStoreError) -> Self {
        Self {
            kind: LoginFileErrorKind::Directory,
            message: "the login file cannot be kept in its directory; see the cause".into(),
            source: Some(error.into()),
        }
    }
}

/// Converts an error of the threads that carry out operations.
impl From<StoreError> for LoginFileError {
    fn from(error: StoreError) -> Self {
        Self {
            kind: LoginFileErrorKind::Unavailable,
            message: "the login file cannot be reached; see the cause".into(),
            source: Some(error.into()),
        }
    }
}
