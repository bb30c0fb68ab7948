//! The contents of a login file: their format, and the code that reads and
//! writes them.

use std::{fmt, path::Path};

#[cfg(feature = "seal")]
use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::{LoginFileError, LoginFileErrorKind as Kind};
#[cfg(feature = "seal")]
use crate::store::KeyRing;
use crate::store::{
    StoreErrorKind,
    file::{Directory, Found, Frame, PrivateFile},
};

/// The line in front of the JSON: a name, the version and a digest.
const FRAME: Frame = Frame::new("login");

/// The contents of a [`LoginFile`](super::LoginFile): a refresh token, and its
/// mark, which says whether it is in use.
///
/// `Debug` does not show the token.
///
/// An example is at [`LoginFile`](super::LoginFile).
#[derive(Clone)]
pub struct StoredLogin {
    pub(super) token: SecretString,
    pub(super) in_use: bool,
}

/// Whether refresh tokens are encrypted.
#[derive(Clone, Debug)]
pub(super) enum Form {
    #[cfg(feature = "seal")]
    Sealed(KeyRing),
    Unsealed,
}

/// The JSON. Unknown fields are an error: another program wrote them.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct State {
    token: Token,
    in_use: bool,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Token {
    /// In base64.
    Sealed(String),
    Unsealed(String),
}

impl StoredLogin {
    /// Returns the refresh token, for
    /// [`RefreshToken::new`](crate::genesys::grants::RefreshToken::new) and
    /// [`LoginHandle::replace`](crate::genesys::grants::LoginHandle::replace).
    pub fn into_token(self) -> SecretString {
        self.token
    }

    /// Reports whether a process has marked the refresh token, and has not yet
    /// stored its successor. That process is either waiting for the answer, or
    /// it ended before the answer came.
    pub const fn is_in_use(&self) -> bool {
        self.in_use
    }

    pub(super) fn is_of(&self, token: &str) -> bool {
        self.token.expose_secret() == token
    }
}

impl fmt::Debug for StoredLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredLogin")
            .field("in_use", &self.in_use)
            .finish_non_exhaustive()
    }
}

impl Form {
    /// Returns the bytes of the file.
    pub(super) fn write(
        &self,
        login: &StoredLogin,
        path: &Path,
    ) -> Result<Vec<u8>, LoginFileError> {
        let token = login.token.expose_secret();
        let token = match self {
            #[cfg(feature = "seal")]
            Self::Sealed(ring) => {
                let sealed = ring.seal(token.as_bytes(), &around(login.in_use));
                let sealed = sealed.map_err(|error| LoginFileError::failed(path, error))?;
                Token::Sealed(STANDARD.encode(sealed))
            }
            Self::Unsealed => Token::Unsealed(token.to_owned()),
        };
        let state = State {
            token,
            in_use: login.in_use,
        };
        let json = serde_json::to_string(&state);
        let json = json.map_err(|error| LoginFileError::failed(path, error))?;
        Ok(FRAME.around(&json))
    }

    /// Reads a file, or says why it cannot be read.
    pub(super) fn read(&self, bytes: &[u8], path: &Path) -> Result<StoredLogin, LoginFileError> {
        let json = FRAME.within(bytes);
        let json = json.map_err(|kind| LoginFileError::unreadable(kind, path))?;
        // The parser's own error may quote the token, so it is dropped.
        let state: State = serde_json::from_str(json)
            .map_err(|_| LoginFileError::unreadable(StoreErrorKind::Corrupt, path))?;
        let token = match (self, state.token) {
            #[cfg(feature = "seal")]
            (Self::Sealed(ring), Token::Sealed(sealed)) => open(ring, &sealed, state.in_use, path)?,
            (Self::Unsealed, Token::Unsealed(token)) => token.into(),
            // A token without its seal is refused: anyone who can write the
            // file could remove the seal.
            #[cfg(feature = "seal")]
            (Self::Sealed(_), Token::Unsealed(_)) => {
                let what = "is not sealed, and should be; log in again, which replaces it";
                return Err(LoginFileError::new(Kind::Sealed, path, what));
            }
            (Self::Unsealed, Token::Sealed(_)) => {
                let what = "is sealed; open it by `LoginFile::sealed`, with the keys, or log in again, which \
                            replaces it";
                return Err(LoginFileError::new(Kind::Sealed, path, what));
            }
        };
        Ok(StoredLogin {
            token,
            in_use: state.in_use,
        })
    }
}

/// Opens a sealed token with the keys of the ring.
#[cfg(feature = "seal")]
fn open(
    ring: &KeyRing,
    sealed: &str,
    in_use: bool,
    path: &Path,
) -> Result<SecretString, LoginFileError> {
    let unsealable = || {
        let what = "cannot be unsealed by any key of the ring; add the key that sealed it, or log in again, which \
                    replaces it";
        LoginFileError::new(Kind::Sealed, path, what)
    };
    let sealed = STANDARD.decode(sealed).map_err(|_| unsealable())?;
    let token = ring.open(&sealed, &around(in_use));
    let token = token.map_err(|error| unsealable().with_source(error))?;
    let token = String::from_utf8(token).map_err(|_| unsealable())?;
    Ok(token.into())
}

/// The data that the seal covers beside the token: the purpose "login", and the
/// mark.
#[cfg(feature = "seal")]
fn around(in_use: bool) -> [u8; 5] {
    [b't', b'g', b'l', 1, in_use.into()]
}

/// Acts under the lock. Returns `None` if another process holds it.
pub(super) fn locked<T>(
    directory: &Directory,
    file: &PrivateFile,
    act: impl FnOnce() -> Result<T, LoginFileError>,
) -> Result<Option<T>, LoginFileError> {
    directory.prepare()?;
    let locked = file.try_lock();
    let locked = locked.map_err(|error| LoginFileError::failed(file.path(), error))?;
    match locked {
        Some(_locked) => act().map(Some),
        None => Ok(None),
    }
}

/// Returns the contents of the file, unless the process must not read it.
pub(super) fn bytes(file: &PrivateFile) -> Result<Option<Vec<u8>>, LoginFileError> {
    let found = file.read();
    match found.map_err(|error| LoginFileError::failed(file.path(), error))? {
        Found::Nothing => Ok(None),
        Found::Foreign(foreign) => Err(LoginFileError::foreign(foreign, file.path())),
        Found::Content(bytes) => Ok(Some(bytes)),
    }
}

/// Reads the login, or `None` before the first one.
pub(super) fn load(file: &PrivateFile, form: &Form) -> Result<Option<StoredLogin>, LoginFileError> {
    let bytes = bytes(file)?;
    bytes
        .map(|bytes| form.read(&bytes, file.path()))
        .transpose()
}
