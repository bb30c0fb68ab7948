use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use fs4::{FileExt, TryLockError};

use super::{FileStoreError, FileStoreErrorKind as Kind};
use crate::store::StoreKey;

/// Far more than the store ever writes.
const LONGEST: u64 = 1024 * 1024;

/// A directory that only its owner can read, and its files.
#[derive(Debug)]
pub(super) struct Directory {
    path: PathBuf,
}

/// The state of a file's path.
#[derive(Debug)]
pub(super) enum Found {
    Nothing,
    Content(Vec<u8>),
    /// Something that the store did not write.
    Foreign,
}

/// Whether a file is synced to disk before it is renamed into place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Durability {
    Disk,
    Cache,
}

/// An exclusive lock. The system releases it when the process ends.
#[derive(Debug)]
pub(super) struct Locked(#[expect(dead_code, reason = "it is held, and that is all")] File);

impl Directory {
    /// Resolves a relative path against the current directory.
    pub(super) fn new(path: &Path) -> Result<Self, FileStoreError> {
        if is_for_a_shell(path) {
            let what = "begins with what only a shell replaces; put the directory itself there";
            return Err(FileStoreError::new(Kind::Inaccessible, path, what));
        }
        let absolute = std::path::absolute(path).map_err(|error| {
            let what = "has no absolute path; give it a name, and run where that can be looked up";
            FileStoreError::new(Kind::Inaccessible, path, what).with_source(error)
        })?;
        let directory = Self { path: absolute };
        directory.prepare()?;
        Ok(directory)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Creates the directory if it is missing, and checks it otherwise.
    pub(super) fn prepare(&self) -> Result<(), FileStoreError> {
        let metadata = match fs::symlink_metadata(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => self
                .create()
                .and_then(|()| fs::symlink_metadata(&self.path)),
            found => found,
        };
        let metadata = metadata.map_err(|error| {
            let what =
                "cannot be created or looked at; check what is above it, or choose another one";
            FileStoreError::new(Kind::Inaccessible, &self.path, what).with_source(error)
        })?;
        let wrong = |kind, what: &str| Err(FileStoreError::new(kind, &self.path, what));
        if metadata.is_symlink() {
            let what = "is a symbolic link; give the directory that it leads to";
            return wrong(Kind::NotADirectory, what);
        }
        if !metadata.is_dir() {
            let what = "is no directory; choose another name, or move the file away";
            return wrong(Kind::NotADirectory, what);
        }
        #[cfg(unix)]
        if !belongs_to_us(&metadata) {
            let what = "belongs to another user; choose one for each user";
            return wrong(Kind::Owner, what);
        }
        #[cfg(unix)]
        if is_open_to_others(&metadata) {
            let what = "can be used by others; take their rights away (chmod 700), and delete what is in it if they \
                        may have read it";
            return wrong(Kind::Permissions, what);
        }
        Ok(())
    }

    fn create(&self) -> io::Result<()> {
        let mut builder = DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&self.path)
    }

    pub(super) fn read(&self, key: &StoreKey) -> io::Result<Found> {
        let path = self.file(key, "token");
        let file = match options().read(true).open(&path) {
            Ok(file) => file,
            Err(error) => return found_instead(&path, error),
        };
        let metadata = file.metadata()?;
        #[cfg(unix)]
        if !belongs_to_us(&metadata) || is_open_to_others(&metadata) {
            return Ok(Found::Foreign);
        }
        if !metadata.is_file() || metadata.len() > LONGEST {
            return Ok(Found::Foreign);
        }
        let mut bytes = Vec::new();
        file.take(LONGEST).read_to_end(&mut bytes)?;
        Ok(Found::Content(bytes))
    }

    /// Replaces the file as a whole. The caller holds the lock.
    pub(super) fn replace(
        &self,
        key: &StoreKey,
        bytes: &[u8],
        durability: Durability,
    ) -> io::Result<()> {
        // A fixed name instead of a random one: the next writer removes the leftovers of a killed
        // process.
        let new = self.file(key, "new");
        remove(&new)?;
        let replaced =
            write(&new, bytes, durability).and_then(|()| fs::rename(&new, self.file(key, "token")));
        if replaced.is_err() {
            // The first error is the one to report.
            let _ = remove(&new);
        }
        replaced
    }

    /// Takes the lock of this key, unless another process holds it.
    pub(super) fn try_lock(&self, key: &StoreKey) -> io::Result<Option<Locked>> {
        let path = self.file(key, "lock");
        let file = options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)?;
        match FileExt::try_lock(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // A lock file that was deleted in the meantime does not exclude later processes.
        Ok(is_at(&file, &path)?.then_some(Locked(file)))
    }

    fn file(&self, key: &StoreKey, extension: &str) -> PathBuf {
        self.path.join(format!("{key}.{extension}"))
    }
}

/// Classifies a path that cannot be opened.
fn found_instead(path: &Path, error: io::Error) -> io::Result<Found> {
    match error.kind() {
        io::ErrorKind::NotFound => Ok(Found::Nothing),
        io::ErrorKind::PermissionDenied => Ok(Found::Foreign),
        _ if fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) => Ok(Found::Foreign),
        _ => Err(error),
    }
}

/// Follows no symbolic link, does not block on a named pipe, and creates files for the owner
/// only.
fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;

        use rustix::fs::OFlags;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        options.mode(0o600).custom_flags(flags.bits() as _);
    }
    options
}

fn write(path: &Path, bytes: &[u8], durability: Durability) -> io::Result<()> {
    let mut file = options().write(true).create_new(true).open(path)?;
    // Readable by the owner whatever the umask is.
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    file.write_all(bytes)?;
    match durability {
        Durability::Disk => file.sync_all(),
        Durability::Cache => Ok(()),
    }
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Detects `~/…` and `$HOME/…` from a settings file. Taken literally, they would put a token into
/// the working directory.
fn is_for_a_shell(path: &Path) -> bool {
    let first = path.components().next();
    let first = first.map(|first| first.as_os_str().as_encoded_bytes());
    first.is_some_and(|first| first == b"~" || first.starts_with(b"$"))
}

#[cfg(unix)]
fn belongs_to_us(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    metadata.uid() == rustix::process::geteuid().as_raw()
}

#[cfg(unix)]
fn is_open_to_others(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    metadata.mode() & 0o077 != 0
}

/// Whether this open file is still the one at its path.
#[cfg(unix)]
fn is_at(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let ours = file.metadata()?;
    match fs::symlink_metadata(path) {
        Ok(found) => Ok((found.dev(), found.ino()) == (ours.dev(), ours.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// Windows does not delete a file that is open and locked.
#[cfg(not(unix))]
fn is_at(_file: &File, _path: &Path) -> io::Result<bool> {
    Ok(true)
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    #[test]
    fn a_lock_on_a_file_that_was_deleted_or_replaced_counts_for_nothing() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("lock");
        let file = File::create(&path).unwrap();
        assert!(is_at(&file, &path).unwrap());
        fs::remove_file(&path).unwrap();
        assert!(!is_at(&file, &path).unwrap());
        let _another = File::create(&path).unwrap();
        assert!(!is_at(&file, &path).unwrap());
    }

    #[test]
    fn what_was_put_there_is_read_again() {
        let parent = tempfile::tempdir().unwrap();
        let directory = Directory::new(&parent.path().join("tokens")).unwrap();
        let key = StoreKey::from_bytes([1; 32]);
        for durability in [Durability::Cache, Durability::Disk] {
            directory.replace(&key, b"content", durability).unwrap();
            let found = directory.read(&key).unwrap();
            assert!(matches!(found, Found::Content(bytes) if bytes == b"content"));
        }
    }
}
