//! A file that only its owner can read, replaced as a whole under a lock.
//!
//! A reader needs no lock: a rename puts the new file into place in one step.
//! Any other file at that path is not trusted, and reported as [`Foreign`].

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use fs4::{FileExt, TryLockError};

/// The most bytes to read: far more than any file that the crate writes. A
/// foreign file might not end.
const LONGEST: u64 = 1024 * 1024;

/// A file that only its owner can read. Writers replace it as a whole, under
/// the lock next to it.
#[derive(Clone, Debug)]
pub(crate) struct PrivateFile {
    content: PathBuf,
    /// A file beside it, since a rename would replace a lock on the content.
    lock: PathBuf,
    /// The successor of the content, until it is renamed.
    ///
    /// The name is fixed instead of random, so that the next writer removes the
    /// leftovers of a killed process.
    new: PathBuf,
}

/// The content found at a file's path.
#[derive(Debug)]
pub(crate) enum Found {
    /// No file.
    Nothing,
    /// The bytes of a file of this user. They may still be damaged.
    Content(Vec<u8>),
    /// Something that the crate did not write.
    Foreign(Foreign),
}

/// Why a file cannot be one that the crate wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Foreign {
    /// A symbolic link, a directory or a named pipe.
    NotAFile,
    /// It belongs to another user.
    Owner,
    /// Other users have access to it.
    Permissions,
    /// Its owner may not read it.
    Unreadable,
    /// It has more bytes than the crate ever writes.
    TooLong,
}

/// How much is synced to disk before a file is renamed into place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Durability {
    /// The file and its new name.
    Name,
    /// The file. After a power failure, the old one may be in its place.
    Content,
    /// Nothing. After a power failure, the file may be empty or the old one.
    Cache,
}

/// An exclusive lock. The system releases it when the process ends.
#[derive(Debug)]
pub(crate) struct Locked(#[expect(dead_code, reason = "it is held, and that is all")] File);

impl PrivateFile {
    /// Names the file, its lock and its successor. All are in one directory, so
    /// that a rename replaces the file.
    pub(super) fn new(directory: &Path, [content, lock, new]: [&Path; 3]) -> Self {
        Self {
            content: directory.join(content),
            lock: directory.join(lock),
            new: directory.join(new),
        }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.content
    }

    /// Reads the file, without a lock.
    ///
    /// # Errors
    ///
    /// That of the disk. A missing or foreign file is not an error.
    pub(crate) fn read(&self) -> io::Result<Found> {
        let file = match options().read(true).open(&self.content) {
            Ok(file) => file,
            Err(error) => return found_instead(&self.content, error),
        };
        // Of the open file, which no process can exchange between check and
        // use.
        let metadata = file.metadata()?;
        if let Some(foreign) = foreign(&metadata) {
            return Ok(Found::Foreign(foreign));
        }
        let mut bytes = Vec::new();
        file.take(LONGEST).read_to_end(&mut bytes)?;
        Ok(Found::Content(bytes))
    }

    /// Replaces the file as a whole. The caller holds the lock.
    pub(crate) fn replace(&self, bytes: &[u8], durability: Durability) -> io::Result<()> {
        // Left by a process that was killed here: the lock excludes a living
        // one.
        remove(&self.new)?;
        let replaced =
            write(&self.new, bytes, durability).and_then(|()| fs::rename(&self.new, &self.content));
        if replaced.is_err() {
            // The first error is the one to report.
            let _ = remove(&self.new);
        }
        replaced?;
        match durability {
            Durability::Name => self.sync_names(),
            Durability::Content | Durability::Cache => Ok(()),
        }
    }

    /// Deletes the file. The caller holds the lock.
    pub(crate) fn remove(&self) -> io::Result<()> {
        remove(&self.content)?;
        self.sync_names()
    }

    /// Takes the lock. Returns `None` if another process holds it, or if the
    /// lock file was just deleted: try again.
    ///
    /// It never waits, since a thread that waits for a lock cannot be called
    /// back.
    pub(crate) fn try_lock(&self) -> io::Result<Option<Locked>> {
        let file = options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&self.lock)?;
        match FileExt::try_lock(&file) {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // If another process deleted the lock file meanwhile, this lock
        // excludes no later process.
        Ok(is_at(&file, &self.lock)?.then_some(Locked(file)))
    }

    /// Syncs the directory, which contains the names and is not synced with the
    /// file.
    #[cfg(unix)]
    fn sync_names(&self) -> io::Result<()> {
        match self.content.parent() {
            Some(directory) => match File::open(directory)?.sync_all() {
                // Some file systems cannot sync a directory; then there is
                // nothing left to do.
                Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
                synced => synced,
            },
            None => Ok(()),
        }
    }

    /// Does nothing: Windows cannot open a directory as a file.
    #[cfg(not(unix))]
    #[expect(clippy::unused_self, reason = "as on Unix")]
    fn sync_names(&self) -> io::Result<()> {
        Ok(())
    }
}

/// Classifies a path that cannot be opened.
fn found_instead(path: &Path, error: io::Error) -> io::Result<Found> {
    if error.kind() == io::ErrorKind::NotFound {
        return Ok(Found::Nothing);
    }
    // A link fails to open because of `O_NOFOLLOW`, and a file of another user
    // for lack of rights.
    match fs::symlink_metadata(path).ok().and_then(|it| foreign(&it)) {
        Some(foreign) => Ok(Found::Foreign(foreign)),
        None if error.kind() == io::ErrorKind::PermissionDenied => {
            Ok(Found::Foreign(Foreign::Unreadable))
        }
        None => Err(error),
    }
}

/// Returns why a file with this metadata is not one that the crate wrote.
fn foreign(metadata: &fs::Metadata) -> Option<Foreign> {
    if !metadata.is_file() {
        return Some(Foreign::NotAFile);
    }
    #[cfg(unix)]
    if !belongs_to_us(metadata) {
        return Some(Foreign::Owner);
    }
    #[cfg(unix)]
    if is_open_to_others(metadata) {
        return Some(Foreign::Permissions);
    }
    (metadata.len() > LONGEST).then_some(Foreign::TooLong)
}

/// Opens files without following symbolic links or blocking on named pipes, and
/// creates them for the owner only.
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

/// Writes a new file. Fails if there is one, so that it never writes through a
/// link.
fn write(path: &Path, bytes: &[u8], durability: Durability) -> io::Result<()> {
    let mut file = options().write(true).create_new(true).open(path)?;
    // Explicit, because the umask could even exclude the owner.
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    file.write_all(bytes)?;
    match durability {
        Durability::Name | Durability::Content => file.sync_all(),
        Durability::Cache => Ok(()),
    }
}

/// Removes a file, if it is there.
fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Returns whether the user of this process owns the file or directory. The
/// effective user counts, as for the system's own checks.
#[cfg(unix)]
pub(super) fn belongs_to_us(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    metadata.uid() == rustix::process::geteuid().as_raw()
}

/// Returns whether the group or all users have any right.
#[cfg(unix)]
pub(super) fn is_open_to_others(metadata: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    metadata.mode() & 0o077 != 0
}

/// Returns whether this open file is still the one at its path.
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

/// Windows never deletes a file that is open and locked.
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
    fn a_file_of_another_user_is_foreign() {
        let parent = tempfile::tempdir().unwrap();
        let names = ["it", "it.lock", "it.new"].map(Path::new);
        let mut file = PrivateFile::new(parent.path(), names);
        file.replace(b"content", Durability::Cache).unwrap();
        // Root gives it away; for other users, a file of root belongs to
        // another user.
        if std::os::unix::fs::chown(&file.content, Some(1), None).is_err() {
            file = PrivateFile::new(Path::new("/etc"), ["passwd"; 3].map(Path::new));
        }
        let found = file.read().unwrap();
        assert!(matches!(found, Found::Foreign(Foreign::Owner)), "{found:?}");
    }

    #[test]
    fn what_was_put_there_is_read_again() {
        let parent = tempfile::tempdir().unwrap();
        let names = ["it", "it.lock", "it.new"].map(Path::new);
        let file = PrivateFile::new(parent.path(), names);
        for durability in [Durability::Cache, Durability::Content, Durability::Name] {
            file.replace(b"content", durability).unwrap();
            let found = file.read().unwrap();
            assert!(matches!(found, Found::Content(bytes) if bytes == b"content"));
        }
        file.remove().unwrap();
        assert!(matches!(file.read().unwrap(), Found::Nothing));
    }
}
