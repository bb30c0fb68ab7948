//! The directory of a store, which only its owner may enter.
//!
//! Its access rights protect the files, so it is checked before each operation.

use std::{
    ffi::OsStr,
    fs::{self, DirBuilder},
    io,
    path::{Path, PathBuf},
};

#[cfg(unix)]
use super::private_file::{belongs_to_us, is_open_to_others};
use super::{FileStoreError, FileStoreErrorKind as Kind, private_file::PrivateFile};
use crate::store::StoreKey;

/// A directory that only its owner can read.
#[derive(Debug)]
pub(crate) struct Directory {
    path: PathBuf,
}

impl Directory {
    /// Creates or checks the directory. Resolves a relative path against the
    /// current directory, so that a later change of that has no effect.
    pub(crate) fn new(path: &Path) -> Result<Self, FileStoreError> {
        if is_for_a_shell(path) {
            let what =
                "begins with `~` or a variable, which only a shell expands; write the path in full";
            return Err(FileStoreError::new(Kind::Inaccessible, path, what));
        }
        let absolute = std::path::absolute(path).map_err(|error| {
            let what = "has no absolute path; give it a name, and run in an existing directory";
            FileStoreError::new(Kind::Inaccessible, path, what).with_source(error)
        })?;
        let directory = Self { path: absolute };
        directory.prepare()?;
        Ok(directory)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Creates the directory if it is missing, and checks it otherwise.
    pub(crate) fn prepare(&self) -> Result<(), FileStoreError> {
        // Without following a link, whose target could change after this check.
        let metadata = match fs::symlink_metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => self
                .create()
                .and_then(|()| fs::symlink_metadata(&self.path)),
            found => found,
        };
        let metadata = metadata.map_err(|error| {
            let what =
                "cannot be created or read; check the directory above it, or choose another one";
            FileStoreError::new(Kind::Inaccessible, &self.path, what).with_source(error)
        })?;
        let wrong = |kind, what: &str| Err(FileStoreError::new(kind, &self.path, what));
        if metadata.is_symlink() {
            let what = "is a symbolic link; give the directory that it leads to";
            return wrong(Kind::NotADirectory, what);
        }
        if !metadata.is_dir() {
            let what = "is not a directory; choose another name, or move the file away";
            return wrong(Kind::NotADirectory, what);
        }
        #[cfg(unix)]
        if !belongs_to_us(&metadata) {
            let what = "belongs to another user; choose one for each user";
            return wrong(Kind::Owner, what);
        }
        #[cfg(unix)]
        if is_open_to_others(&metadata) {
            let what = "is accessible to other users; restrict it (chmod 700), and delete its files if they may \
                        have been read";
            return wrong(Kind::Permissions, what);
        }
        Ok(())
    }

    /// Creates the directory and those above it. The mode is set on creation,
    /// so that no other user can enter in between.
    fn create(&self) -> io::Result<()> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.path)
    }

    /// Returns the file of this key, with its lock and its successor.
    pub(super) fn token(&self, key: &StoreKey) -> PrivateFile {
        let [content, lock, new] = ["token", "lock", "new"].map(|what| format!("{key}.{what}"));
        PrivateFile::new(&self.path, [content.as_ref(), lock.as_ref(), new.as_ref()])
    }

    /// Returns the file of this name, with its lock and its successor.
    pub(crate) fn file(&self, name: &OsStr) -> PrivateFile {
        let [lock, new] = [".lock", ".new"].map(|what| {
            let mut name = name.to_owned();
            name.push(what);
            name
        });
        PrivateFile::new(&self.path, [name.as_ref(), lock.as_ref(), new.as_ref()])
    }
}

/// Returns whether the path is one that a shell would expand, such as `~/…` or
/// `$HOME/…` in a settings file. Taken literally, it would put a token into the
/// working directory.
fn is_for_a_shell(path: &Path) -> bool {
    let first = path.components().next();
    let first = first.map(|first| first.as_os_str().as_encoded_bytes());
    first.is_some_and(|first| first == b"~" || first.starts_with(b"$"))
}
