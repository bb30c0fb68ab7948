//! A [`TokenStore`](super::TokenStore) in files, for programs that run
//! repeatedly on one machine.
//!
//! A command-line program or a task of a CI job runs for seconds, and a token
//! is valid for a day. [`FileStore`] keeps the token between runs, in a
//! directory that only its owner can read. If several runs need a token at the
//! same time, one of them fetches it for all.
//!
//! ```
//! use bytes::Bytes;
//! use http_body_util::Full;
//! use tower_genesys::{
//!     Credentials, Org, Sharing, store::file::FileStore, testing::MockGenesys,
//! };
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), tower_genesys::BoxError> {
//! # let cache = tempfile::tempdir()?;
//! # let directory = cache.path().join("my-program");
//! let mock = MockGenesys::new(); // for Genesys Cloud and your HTTP client
//! let run = || {
//!     let (id, secret) = (mock.client_id(), mock.client_secret());
//!     // Such as `/home/ada/.cache/my-program`:
//!     let store = FileStore::new(&directory)?;
//!     Org::builder(mock.region())
//!         .credentials(Credentials::new(id, secret)?)
//!         .share(Sharing::unsealed(store))
//!         .build(mock.http_client())
//!         .map_err(tower_genesys::BoxError::from)
//! };
//! let first = run()?.tokens().token().await?;
//! let second = run()?.tokens().token().await?;
//! assert_eq!(first.expose(), second.expose());
//! assert_eq!(mock.token_posts(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! [`guide::command_line`](crate::guide::command_line) has a whole program.
//!
//! # The directory
//!
//! Choose a directory for each user, such as `$XDG_CACHE_HOME/my-program` or
//! `~/.cache/my-program`. Expand variables and `~` yourself: the store rejects
//! a path that begins with either. It creates the directory with mode 0700. An
//! existing directory must belong to the user of the process and give no access
//! to others; otherwise [`FileStore::new`] fails, with the next step in its
//! message. Each operation checks the directory again, and recreates it if it
//! is gone.
//!
//! Windows has no such modes: choose a directory below the user's profile,
//! whose access list excludes other users.
//!
//! The directory must be on a local disk. If several machines mounted it, they
//! would need one clock and working locks. For several machines, use
//! `RedisStore`.
//!
//! # Files
//!
//! Each [`StoreKey`](super::StoreKey) has three files. Their names begin with
//! its hexadecimal digits:
//!
//! | file | contents |
//! |---|---|
//! | `….token` | a line with version and digest; then JSON: token, lease, cooldown, last fence |
//! | `….lock` | empty; locked while `….token` changes |
//! | `….new` | the next `….token`, while a process writes it. It stays if that process is killed, and the next writer removes it |
//!
//! All have mode 0600. The store replaces a `….token` as a whole, so readers
//! see the old content or the new one. It syncs a new token to disk, but not a
//! lease: a power failure ends every lease anyway.
//!
//! You may delete each file at any time, at the cost of at most one token
//! request. Delete them when you [log out](crate::guide::command_line): they
//! contain the token. The store treats an unusable file as missing: a damaged
//! one, one of another version, a symbolic link, a file of another user, or one
//! that others can read. The next lease replaces the file and reports its
//! fault.
//!
//! With [sealing](super#sealing), a backup of the file does not reveal the
//! token, as long as the backup does not contain the key.
//!
//! # Slow disks
//!
//! An operation may take 2 seconds, because a busy disk is slower than a server
//! in the network, especially when it syncs.
//! [`with_operation_timeout`](crate::Sharing::with_operation_timeout) sets
//! another limit. A program whose store times out fetches its own token, and
//! the next run may have to fetch one, too.
//!
//! # Clock
//!
//! The store uses the machine's clock, since times must stay valid from one run
//! to the next.
//!
//! | the clock is set | effect |
//! |---|---|
//! | forward | tokens, leases and cooldowns end early |
//! | back, to a time before a token, lease or cooldown was written | that token, lease or cooldown counts as missing, because its age is unknown |
//! | back, by less | a token seems younger than it is, which the store cannot detect. When the token ends, the API refuses it, and the 401 renews it |
//!
//! A token never has more than its full lifetime left, and no lease or cooldown
//! lasts longer than it was granted for.
//!
//! # Cloning
//!
//! Clones share the store.
//!
//! # Errors
//!
//! [`FileStore::new`] returns a [`FileStoreError`]. In operation, the observer
//! of the [`Sharing`](crate::Sharing) gets a [`StoreError`](super::StoreError)
//! of one of these kinds:
//!
//! | kind | cause |
//! |---|---|
//! | `Denied` | the directory is not writable, is on a read-only file system, or became accessible to others |
//! | `Unavailable` | the disk is full or broken; another process has the lock for a second; no tokio runtime |
//!
//! The messages name the directory, but nothing of its contents.
//!
//! # Cancellation
//!
//! Operations run on at most four of tokio's blocking threads. If its caller
//! drops it, an operation that runs on a thread finishes there, and then
//! releases its lock. One that waits for the lock occupies no thread, and ends
//! at once.

mod content;
mod directory;
mod error;
mod private_file;
mod store;
mod threads;

pub(crate) use content::Frame;
pub(crate) use directory::Directory;
pub(crate) use private_file::{Durability, Foreign, Found, PrivateFile};
pub(crate) use threads::Threads;

pub use error::{FileStoreError, FileStoreErrorKind};
pub use store::FileStore;
