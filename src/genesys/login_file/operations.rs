//! The login file as a store of refresh tokens: each operation reads, decides
//! and writes under the lock.

use secrecy::SecretString;

use super::{
    LoginFile, LoginFileError, StoredLogin,
    content::{Form, bytes, load, locked},
};
use crate::{
    BoxError,
    genesys::grants::{IssuedRefreshToken, RefreshTokenMark, RefreshTokenStore},
    store::file::{Durability, PrivateFile},
};

impl LoginFile {
    /// Replaces the login under the lock. `next` reads the file, and returns
    /// the answer and the login to write, if any.
    async fn change<T: Send + 'static>(
        &self,
        next: impl Fn(&PrivateFile, &Form) -> Result<(T, Option<StoredLogin>), LoginFileError>
        + Send
        + Sync
        + 'static,
    ) -> Result<T, LoginFileError> {
        let (file, form) = (self.file.clone(), self.form.clone());
        let changing = self.threads.run(move |directory| {
            locked(directory, &file, || {
                let (answer, login) = next(&file, &form)?;
                if let Some(login) = login {
                    let content = form.write(&login, file.path())?;
                    let replaced = file.replace(&content, Durability::Name);
                    replaced.map_err(|error| LoginFileError::failed(file.path(), error))?;
                }
                Ok(answer)
            })
        });
        changing.await
    }
}

impl RefreshTokenStore for LoginFile {
    async fn persist(&self, token: IssuedRefreshToken) -> Result<(), BoxError> {
        let storing = self.change(move |file, _| {
            // Replaces a damaged file, but not one of another user.
            bytes(file)?;
            Ok(((), Some(stored(&token, false))))
        });
        storing.await.map_err(Into::into)
    }

    /// A newer token in the file proves that ours is used, so this case comes
    /// before the mark. A missing or unmarked login gets the mark.
    async fn mark(&self, token: IssuedRefreshToken) -> Result<RefreshTokenMark, BoxError> {
        let marking = self.change(move |file, form| {
            Ok(match load(file, form)? {
                Some(login) if !login.is_of(token.expose()) => (RefreshTokenMark::Replaced, None),
                Some(login) if login.is_in_use() => (RefreshTokenMark::Found, None),
                _ => (RefreshTokenMark::Set, Some(stored(&token, true))),
            })
        });
        marking.await.map_err(Into::into)
    }

    async fn unmark(&self, token: IssuedRefreshToken) -> Result<(), BoxError> {
        let unmarking = self.change(move |file, form| {
            let login = load(file, form)?;
            // Another process may have replaced the token, whose mark is not
            // ours.
            let is_ours = login.is_some_and(|it| it.is_of(token.expose()) && it.is_in_use());
            Ok(((), is_ours.then(|| stored(&token, false))))
        });
        unmarking.await.map_err(Into::into)
    }
}

fn stored(token: &IssuedRefreshToken, in_use: bool) -> StoredLogin {
    StoredLogin {
        token: SecretString::from(token.expose()),
        in_use,
    }
}
