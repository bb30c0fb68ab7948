//! A login in a file: the refresh token of one person, kept from one run to the
//! next.

mod content;
mod error;
mod operations;

use std::{fmt, path::Path};

pub use content::StoredLogin;
use content::{Form, bytes, load, locked};
use error::LoginFileErrorKind as Kind;
pub use error::{LoginFileError, LoginFileErrorKind};

#[cfg(feature = "seal")]
use crate::store::KeyRing;
use crate::store::file::{Directory, PrivateFile, Threads};

/// A [`RefreshTokenStore`](crate::genesys::grants::RefreshTokenStore) in a
/// file: the login of one person, which lasts from one run of a program to the
/// next.
///
/// Use it for command-line programs, and for services on one machine, whose
/// user logs in through a browser once. A login is a refresh token. Each
/// renewal of the access token uses up the refresh token in the file, and puts
/// its successor there, so the login lasts as long as the program is used.
///
/// ```
/// use tower_genesys::genesys::grants::{
///     AuthorizationCode, LoginCode, RefreshToken,
/// };
/// use tower_genesys::genesys::login_file::{LoginFile, LoginFileErrorKind};
/// use tower_genesys::{BoxError, Credentials, Org, testing::MockGenesys};
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), BoxError> {
/// # let home = tempfile::tempdir()?;
/// # let path = home.path().join("my-program").join("login");
/// let mock = MockGenesys::new(); // for Genesys Cloud and your HTTP client
/// let credentials = Credentials::new(mock.client_id(), mock.client_secret())?;
/// // `path` is, for example, `/home/ada/.local/state/my-program/login`.
/// let file = LoginFile::unsealed(&path)?;
///
/// // The first run: a person logs in.
/// assert!(file.read()?.is_none());
/// let callback = "http://127.0.0.1:8421/callback";
/// let code = LoginCode::new(mock.issue_code(callback), callback);
/// let (region, client) = (mock.region(), mock.http_client());
/// let id = credentials.clone();
/// let source = AuthorizationCode::new(region, id, code, client)
///     .with_store(file.clone());
/// let org = Org::builder(mock.region()).build_from_source(source)?;
/// org.tokens().token().await?;
///
/// // The next run reads the stored login.
/// let login = file.read()?.expect("the first run stored it");
/// let (region, client) = (mock.region(), mock.http_client());
/// let token = login.into_token();
/// let source = RefreshToken::new(region, credentials, token, client)
///     .with_store(file.clone());
/// let org = Org::builder(mock.region()).build_from_source(source)?;
/// org.tokens().token().await?;
/// assert_eq!(mock.token_posts(), 2);
///
/// // If others can read the file, opening it fails. The error says what to do.
/// # #[cfg(unix)] {
/// use std::os::unix::fs::PermissionsExt;
/// std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644))?;
/// let error = LoginFile::unsealed(&path).unwrap_err();
/// assert_eq!(error.kind(), LoginFileErrorKind::Permissions);
/// # }
/// # Ok(())
/// # }
/// ```
///
/// [`guide::browser_login`](crate::guide::browser_login) has a whole program,
/// with a listener on 127.0.0.1 for the redirect.
///
/// # Files
///
/// The directory of the file must belong to the user of the process, and give
/// no access to others. It may also be the directory of a
/// [`FileStore`](crate::store::file::FileStore). If the directory is missing,
/// it is created with mode 0700. Expand `~` and variables in the path yourself,
/// as only a shell does that.
///
/// If the path ends in `login`, there are three files:
///
/// | the file | contains |
/// |---|---|
/// | `login` | two lines. The first has the version of the format, and a digest of the second. The second is JSON, with the refresh token, and its mark: whether a process has [begun to use it](#processes) |
/// | `login.lock` | nothing. A process locks this file while it changes `login` |
/// | `login.new` | the next `login`, while a process writes it. If that process is killed, the file stays, and the next writer removes it |
///
/// All files have mode 0600. A write replaces `login` as a whole, and syncs the
/// file and its name to the disk. So after a killed process or a power failure,
/// `login` is neither damaged nor older than the last completed write.
///
/// On Windows, neither owner nor access rights are checked, and the name is not
/// synced. Choose a directory below the user's profile, which Windows closes to
/// other users.
///
/// # Sealing
///
/// A refresh token is worth more than a password. With the feature `seal`,
/// `LoginFile::sealed` encrypts it with a key of a `KeyRing`
/// (XChaCha20-Poly1305), and protects its mark against changes. A backup of the
/// file then does not reveal the refresh token. Keep the key elsewhere: in the
/// environment, in a secret of the platform, or in the credential store of the
/// operating system, for which [`guide::recipes`](crate::guide::recipes) has a
/// recipe.
///
/// # Processes
///
/// Genesys accepts each refresh token once. So before a process sends a refresh
/// token, it [marks](crate::genesys::grants::RefreshTokenStore::mark) that
/// token in the file as in use. If several processes start with the same
/// refresh token, only the first one to mark it sends it. The others fail with
/// [`LoginRequired`](crate::token::TokenErrorKind::LoginRequired), without a
/// request. They can then [read](Self::read) the file again. If the refresh
/// token in it is not in use, it is the successor: pass it to
/// [`LoginHandle::replace`](crate::genesys::grants::LoginHandle::replace).
///
/// If a process ends after it has sent the refresh token, and before Genesys
/// has answered, the mark stays. The refresh token may be used up then, so the
/// crate does not send it: the user logs in again.
///
/// # Cloning
///
/// Clones of a `LoginFile` share the file on disk.
///
/// # Errors
///
/// Opening and reading the file return a [`LoginFileError`]. Opening fails if
/// the file or its directory belongs to another user or is accessible to
/// others, or if the path leads to a link. The contents are read later: if they
/// are damaged, of another version, or sealed with a key that is not in the
/// `KeyRing`, [`read`](Self::read) and `mark` fail. When the user logs in
/// again, the new login replaces such a file.
///
/// If the file causes an error during the renewal of a token, the
/// `LoginFileError` is the source of a [`TokenError`](crate::TokenError) of the
/// kind [`NotMarked`](crate::token::TokenErrorKind::NotMarked) or
/// [`NotPersisted`](crate::token::TokenErrorKind::NotPersisted).
///
/// # Cancellation
///
/// Reading and writing block, so they run on tokio's blocking threads: one at a
/// time for a `LoginFile` and its clones. ([`read`](Self::read) is the
/// exception: it blocks its caller.)
///
/// An operation that has waited for the lock for one second fails. If an
/// operation is dropped while it runs on a thread, it finishes there, and
/// releases its lock; the next operation begins after it. If it is dropped
/// while it waits for the lock, it ends at once.
#[derive(Clone)]
pub struct LoginFile {
    threads: Threads,
    file: PrivateFile,
    form: Form,
}

impl LoginFile {
    /// Opens this file, which need not exist yet, and stores refresh tokens in
    /// it unencrypted.
    ///
    /// Creates the directory of the file if it is missing. Blocks while it
    /// checks both.
    ///
    /// # Errors
    ///
    /// Fails if the file or its directory cannot be used: see
    /// [`LoginFileErrorKind`].
    pub fn unsealed(path: impl AsRef<Path>) -> Result<Self, LoginFileError> {
        Self::new(path.as_ref(), Form::Unsealed)
    }

    /// Opens this file as [`unsealed`](Self::unsealed) does, but encrypts
    /// refresh tokens with the first of these keys.
    ///
    /// ```
    /// # fn main() -> Result<(), tower_genesys::BoxError> {
    /// # let home = tempfile::tempdir()?;
    /// # let path = home.path().join("my-program").join("login");
    /// use tower_genesys::{genesys::login_file::LoginFile, store::KeyRing};
    ///
    /// let key = "2025-07:3q2+796tvu/erb7v3q2+796tvu/erb7v3q2+796tvu8=";
    /// let keys = KeyRing::parse(key)?;
    /// let file = LoginFile::sealed(&path, keys)?;
    /// assert!(file.read()?.is_none());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As for [`unsealed`](Self::unsealed).
    #[cfg(feature = "seal")]
    #[cfg_attr(docsrs, doc(cfg(feature = "seal")))]
    pub fn sealed(path: impl AsRef<Path>, keys: KeyRing) -> Result<Self, LoginFileError> {
        Self::new(path.as_ref(), Form::Sealed(keys))
    }

    fn new(path: &Path, form: Form) -> Result<Self, LoginFileError> {
        let Some(name) = path.file_name() else {
            let what = "has no name; give the path of a file";
            return Err(LoginFileError::new(Kind::NotAFile, path, what));
        };
        let parent = path.parent().filter(|parent| *parent != Path::new(""));
        let directory = Directory::new(parent.unwrap_or(Path::new(".")))?;
        let file = directory.file(name);
        let new = Self {
            // A token that is stored late must not replace a newer login.
            threads: Threads::in_order(directory),
            file,
            form,
        };
        // Only a reader needs the contents: a new login replaces a damaged
        // file.
        bytes(&new.file)?;
        Ok(new)
    }

    /// Returns the login in the file, or `None` if there is no file yet.
    ///
    /// Blocks while it reads the file: call it at the start of the program. It
    /// needs no lock, since writers replace the file as a whole.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be used or read: see
    /// [`LoginFileErrorKind`].
    pub fn read(&self) -> Result<Option<StoredLogin>, LoginFileError> {
        self.threads.directory().prepare()?;
        load(&self.file, &self.form)
    }

    /// Deletes the file. Call it to log the user out: after
    /// [`Org::revoke`](crate::Org::revoke) has revoked the access token, and
    /// [`TokenCache::close`](crate::TokenCache::close) has ended the renewals.
    /// A renewal that ends later would store the login again. If the file is
    /// missing, this is a no-op.
    ///
    /// The refresh token remains valid at Genesys Cloud: only its copy in the
    /// file is gone.
    ///
    /// # Errors
    ///
    /// [`LoginFileErrorKind::Unavailable`] if the file cannot be deleted, and
    /// [`LoginFileErrorKind::Directory`] if its directory cannot be used.
    pub async fn remove(&self) -> Result<(), LoginFileError> {
        let file = self.file.clone();
        let removing = self.threads.run(move |directory| {
            locked(directory, &file, || {
                let removed = file.remove();
                removed.map_err(|error| LoginFileError::failed(file.path(), error))
            })
        });
        removing.await
    }
}

impl fmt::Debug for LoginFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginFile")
            .field("path", &self.file.path())
            .field("form", &self.form)
            .finish_non_exhaustive()
    }
}
