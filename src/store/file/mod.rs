//! A [`TokenStore`](super::TokenStore) in files: for programs that run again and again on one
//! machine.
//!
//! A command-line program or the steps of a CI job live for seconds, and a token for a day.
//! [`FileStore`] keeps it between runs, in a directory that nobody else can read, and lets one of
//! those that run at the same time ask for all.
//!
//! ```
//! use bytes::Bytes;
//! use http_body_util::Full;
//! use tower_genesys::{Credentials, Org, Sharing, store::FileStore, testing::MockGenesys};
//!
//! # #[tokio::main]
//! # async fn main() -> Result<(), tower_genesys::BoxError> {
//! # let cache = tempfile::tempdir()?;
//! # let directory = cache.path().join("my-program");
//! let mock = MockGenesys::new(); // stands for Genesys Cloud and for your HTTP client
//! let run = || {
//!     Org::builder(mock.region())
//!         .credentials(Credentials::new(mock.client_id(), mock.client_secret())?)
//!         .share(Sharing::unsealed(FileStore::new(&directory)?)) // `/home/ada/.cache/my-program`, say
//!         .build::<Full<Bytes>, _>(mock.service())
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
//! You choose it; each user needs one of their own, such as what `$XDG_CACHE_HOME/my-program` or
//! `~/.cache/my-program` is to a shell: here, neither is replaced. It is created with mode 0700.
//! One that is there has to belong to the user of the process, and give no rights to others;
//! otherwise [`FileStore::new`] says what to do. It is checked again at each operation, and made
//! anew when it has gone.
//!
//! On Windows there are no such modes: choose a directory below the user's profile, whose access
//! list keeps others out.
//!
//! It has to be on a local disk. A directory that several machines mount wants one clock and
//! working locks on all of them; for several machines there is `RedisStore`.
//!
//! # Files
//!
//! For each [`StoreKey`](super::StoreKey), named by its hexadecimal digits:
//!
//! | file | what |
//! |---|---|
//! | `….token` | a line with version and digest; then JSON: token, lease, cooldown, last fence |
//! | `….lock` | empty; locked while the other one is changed |
//! | `….new` | the next `.token`, for a moment, or left by a process that was killed |
//!
//! All have mode 0600. A `.token` is replaced as a whole, so that a reader sees the old one or the
//! new one. It is forced to the disk with a token in it, and not with a lease alone: after a power
//! failure nobody holds one.
//!
//! Each of them may be deleted at any time, which costs one token request at most: that is how to
//! log out. What cannot be read is as if it were not there: damaged, of another version, a symbolic
//! link, somebody else's, or readable by others. The next lease replaces it, and says so.
//!
//! With the feature `seal`, what is in the file is no token to whoever gets hold of a backup. The
//! key is then the secret to keep.
//!
//! # Slow disks
//!
//! An operation has 2 seconds, unless
//! [`with_operation_timeout`](crate::Sharing::with_operation_timeout) says otherwise: a disk that
//! is busy takes longer than a server in the network, most of all to have a token on it for good. A
//! program that gives up on its store gets a token of its own, and the next run may too.
//!
//! # Clock
//!
//! The machine's, since it has to last from one run to the next. Set forward, it ends tokens and
//! leases early. Set back to before something was written, it makes that void, since nobody can
//! tell how old it is. Set back by less than that, it makes a token that much younger than it is,
//! which cannot be noticed: the API refuses the token at its end, and a 401 renews it. Never does
//! more remain than the whole life, nor does a lease or a cooldown last longer than from its
//! beginning to its end.
//!
//! # Cloning
//!
//! A clone is the same store.
//!
//! # Errors
//!
//! | error | when |
//! |---|---|
//! | `Denied` | the directory is not writable, is on a read-only file system, or others have got rights to it |
//! | `Unavailable` | the disk is full or broken; another process has held the lock for a second; no tokio runtime |
//!
//! The messages name the directory, and nothing of what is in it.
//!
//! # Cancellation
//!
//! The work is done on tokio's threads for blocking code, on four at a time at most. An operation
//! that was dropped while it is there ends by itself, and lets go of its lock; one that waits for
//! the lock gives up at once, as it waits on no thread.

mod content;
mod directory;
mod error;
mod store;

pub use error::{FileStoreError, FileStoreErrorKind};
pub use store::FileStore;
