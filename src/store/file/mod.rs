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
//!     // `directory` is, for example, `/home/ada/.cache/my-program`.
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
//! The store keeps no [`book`](super::book), so processes cannot share a rate
//! limit through it.
//!
//! # The directory
//!
//! Choose a separate directory for each user, such as
//! `$XDG_CACHE_HOME/my-program` or `~/.cache/my-program`. Expand `~` and
//! variables yourself: the store rejects a path that begins with either.
//!
//! If the directory is missing, the store creates it with mode 0700. An
//! existing directory must belong to the user of the process, and give no
//! access to others. Otherwise [`FileStore::new`] fails, and the error message
//! says what to do. Each operation checks the directory again, and recreates it
//! if it is gone.
//!
//! On Windows, the store checks neither owner nor access rights. Choose a
//! directory below the user's profile, which Windows closes to other users.
//!
//! The directory must be on a local disk. Machines that mount the same
//! directory would need synchronised clocks and a file system whose locks work
//! across machines. For several machines, use `RedisStore`.
//!
//! # Files
//!
//! For each [`StoreKey`](super::StoreKey), the store has three files. Their
//! names begin with the key in hexadecimal digits, here `…`:
//!
//! | the file | contains |
//! |---|---|
//! | `….token` | two lines. The first has the version of the format, and a digest of the second. The second is JSON, with the token, the lease, the cooldown and the last fence |
//! | `….lock` | nothing. A process locks this file while it changes `….token` |
//! | `….new` | the next `….token`, while a process writes it. If that process is killed, the file stays, and the next writer removes it |
//!
//! The page [`store`](super) explains lease, cooldown and fence. All files have
//! mode 0600.
//!
//! The store replaces a `….token` as a whole, so a reader sees either the old
//! content or the new. It syncs the file to disk only if the token has changed.
//! A power failure may undo a change of the lease or the cooldown, or leave the
//! file empty. That costs at most one token request, because the process that
//! had the lease is gone, too.
//!
//! You may delete any of the files at any time, at the cost of at most one
//! token request. Delete them when the user [logs
//! out](crate::guide::command_line), because they contain the token.
//!
//! The store treats an unusable `….token` as missing: one that is damaged, has
//! another version, is a symbolic link, belongs to another user, or can be read
//! by others. The process that gets the next lease replaces the file, and
//! reports what was wrong with it to the observer of the
//! [`Sharing`](crate::Sharing).
//!
//! With [sealing](super#sealing), the token in the file is encrypted. A backup
//! then does not reveal it, unless the key is in the backup, too.
//!
//! # Slow disks
//!
//! An operation may take 2 seconds, rather than the 150 milliseconds of a store
//! in the network: a busy disk is slower, above all when it syncs. To change
//! that, use
//! [`with_operation_timeout`](crate::Sharing::with_operation_timeout). If an
//! operation times out, the program fetches its own token, and the next run may
//! fetch one, too.
//!
//! # Clock
//!
//! The store uses the wall clock of the machine, because the times of other
//! clocks mean nothing to the next run. If someone sets the wall clock, the
//! times in the file are wrong:
//!
//! | if the wall clock is set | then |
//! |---|---|
//! | forward | tokens, leases and cooldowns end early |
//! | back, to a time before a token, lease or cooldown was written | that token, lease or cooldown is treated as missing, because its age is unknown |
//! | back, to a time after the token was written | a token seems younger than it is, which the store cannot detect. When the token has expired, the API refuses it, and the process renews it after the 401 |
//!
//! Whatever the clock shows, a token never has more than its full lifetime
//! left, and a lease or cooldown never more than the time for which it was
//! granted.
//!
//! # Cloning
//!
//! Clones share the store, and with it the bound on threads (see
//! [Cancellation](#cancellation)).
//!
//! # Errors
//!
//! [`FileStore::new`] returns a [`FileStoreError`]. Later errors go to the
//! observer of the [`Sharing`](crate::Sharing), as a
//! [`StoreError`](super::StoreError) of one of these kinds:
//!
//! | kind | cause |
//! |---|---|
//! | `Denied` | the directory is not writable, is on a read-only file system, or has become accessible to others |
//! | `Unavailable` | the disk is full or broken; another process has held the lock of the file for more than one second; or there is no tokio runtime |
//! | `Timeout` | the operation took longer than 2 seconds, or than the limit that you set |
//!
//! The messages name the directory, but nothing of its contents.
//!
//! # Cancellation
//!
//! Reading and writing block, so they run on tokio's blocking threads. A store
//! and its clones use at most four of these threads at a time.
//!
//! An operation is dropped when its time limit is over. If it was running on a
//! thread, it finishes there, and releases its lock. If it was waiting for a
//! lock or for one of the four threads, it ends at once. An operation that
//! waits occupies no thread.

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
