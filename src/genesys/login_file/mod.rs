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
/// file: a login that lasts from one run of a program to the next.
///
/// Use it for command-line programs and services on one machine, whose user
/// logs in through a browser once. Each renewal replaces the refresh token in
/// the file, so the login lasts as long as it is used.
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
/// // For example, `/home/ada/.local/state/my-program/login`:
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
/// // A file that others can read is an error. It names the next step.
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
/// The directory must belong to the user of the process and give no access to
/// others. A [`FileStore`](crate::store::file::FileStore) may use the same one.
/// If the directory is missing, it is created with mode 0700. Give the path
/// literally: only a shell expands `~` and variables. For a file named `login`:
///
/// | file | contents |
/// |---|---|
/// | `login` | a line with version and digest; then JSON: the refresh token, sealed or not, and its mark |
/// | `login.lock` | empty; locked while `login` changes |
/// | `login.new` | the next `login`, for a moment, or left by a killed process |
///
/// All have mode 0600. A write replaces `login` as a whole and syncs it and its
/// name to the disk, so neither a killed process nor a power failure leaves
/// half a file or an old one.
///
/// Windows has no such modes: choose a directory below the user's profile.
///
/// # Sealing
///
/// A refresh token is worth more than a password. With the feature `seal`,
/// `LoginFile::sealed` encrypts it (XChaCha20-Poly1305), together with its
/// mark, so a backup of the file does not reveal it. The key must be somewhere
/// else: in the environment, a secret of the platform, or the keyring of the
/// system, for which [`guide::recipes`](crate::guide::recipes) has a recipe.
///
/// # Processes
///
/// The file [marks](crate::genesys::grants::RefreshTokenStore::mark) the
/// refresh token before it is sent. Of several processes that start with the
/// same refresh token, one renews; the others get
/// [`LoginRequired`](crate::token::TokenErrorKind::LoginRequired) without a
/// request. They can [read](Self::read) the file again: if the refresh token
/// there is not in use, it is the next one, for
/// [`LoginHandle::replace`](crate::genesys::grants::LoginHandle::replace).
///
/// A mark that stays belongs to a process that ended while it waited for the
/// answer. The refresh token may be used up, so the crate does not send it: log
/// in again.
///
/// # Cloning
///
/// Clones share the file.
///
/// # Errors
///
/// [`LoginFileError`]. Opening the file already fails if the file or its
/// directory belongs to another user or is accessible to others, or if the path
/// is a link. Within a fetch, the error is the source of a
/// [`TokenError`](crate::TokenError):
/// [`NotMarked`](crate::token::TokenErrorKind::NotMarked) or
/// [`NotPersisted`](crate::token::TokenErrorKind::NotPersisted).
///
/// A damaged file, one of another version, and one that no key opens are errors
/// for [`read`](Self::read) and `mark`. The next login replaces them.
///
/// # Cancellation
///
/// Operations run on at most four of tokio's blocking threads. If the caller
/// drops an operation there, it finishes and releases its lock. An operation
/// that waits for the lock ends when it is dropped, and fails after a second.
#[derive(Clone)]
pub struct LoginFile {
    threads: Threads,
    file: PrivateFile,
    form: Form,
}

impl LoginFile {
    /// Opens the login in this file, which need not exist, and stores refresh
    /// tokens unencrypted.
    ///
    /// Blocks while it checks the file and its directory, and creates the
    /// directory if it is missing.
    ///
    /// # Errors
    ///
    /// Fails if the file or its directory cannot be used: see
    /// [`LoginFileErrorKind`].
    pub fn unsealed(path: impl AsRef<Path>) -> Result<Self, LoginFileError> {
        Self::new(path.as_ref(), Form::Unsealed)
    }

    /// Opens the login in this file, and encrypts refresh tokens with the first
    /// of these keys.
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
            threads: Threads::new(directory),
            file,
            form,
        };
        // Only a reader needs the contents: a new login replaces a damaged
        // file.
        bytes(&new.file)?;
        Ok(new)
    }

    /// Returns the login, or `None` before the first one.
    ///
    /// Blocks while it reads the file: call it at the start of the program. It
    /// needs no lock, since the file is replaced as a whole.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be used or read: see
    /// [`LoginFileErrorKind`].
    pub fn read(&self) -> Result<Option<StoredLogin>, LoginFileError> {
        self.threads.directory().prepare()?;
        load(&self.file, &self.form)
    }

    /// Deletes the login, for logging out, after
    /// [`Org::revoke`](crate::Org::revoke) has ended the token. Without a
    /// login, it does nothing.
    ///
    /// The refresh token remains valid at the service; only the file is gone.
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
