use std::{path::PathBuf, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use tokio::time::timeout;
use tower_genesys::{
    BoxError, Client, Credentials, Org, Region, ReplayBody,
    genesys::{
        grants::{AuthorizationCode, AuthorizeUrl, LoginState, PkceVerifier, RefreshToken},
        login_file::LoginFile,
    },
    token::{TokenErrorKind, TokenSource},
};

use crate::callback::Callback;

/// How long a person may take to log in.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// The body type of the client, for token sources and layers.
pub(crate) type Body = ReplayBody<Full<Bytes>>;

pub(crate) struct Program {
    pub(crate) region: Region,
    /// An OAuth client with the grant type "Code Authorization". Without its
    /// secret there are no refresh tokens, and `AuthorizationCode::public`
    /// gives a login for a day.
    pub(crate) credentials: Credentials,
    pub(crate) client: Client<Body>,
    /// A file of this user and this program. If you can keep a key elsewhere,
    /// use `LoginFile::sealed`.
    pub(crate) file: PathBuf,
}

impl Program {
    /// Uses the login of an earlier run if it is still valid, and the browser
    /// otherwise.
    pub(crate) async fn org(
        &self,
        callback: &Callback,
        open: impl Fn(String),
    ) -> Result<Org, BoxError> {
        let file = LoginFile::unsealed(&self.file)?;
        // A new login replaces a damaged file.
        let stored = file.read().unwrap_or_else(|error| {
            eprintln!("{error}");
            None
        });
        if let Some(login) = stored.filter(|login| !login.is_in_use()) {
            let (region, client) = (self.region.clone(), self.client.clone());
            let source =
                RefreshToken::new(region, self.credentials.clone(), login.into_token(), client);
            let org = self.over(source.with_store(file.clone()))?;
            match org.tokens().token().await {
                Ok(_) => return Ok(org),
                Err(error) if error.kind() == TokenErrorKind::LoginRequired => {}
                Err(error) => return Err(error.into()),
            }
        }
        self.log_in(callback, open, file).await
    }

    async fn log_in(
        &self,
        callback: &Callback,
        open: impl Fn(String),
        file: LoginFile,
    ) -> Result<Org, BoxError> {
        let (state, verifier) = (LoginState::generate()?, PkceVerifier::generate()?);
        let url = AuthorizeUrl::new(&self.region, self.credentials.id(), callback.uri())
            .with_state(&state)
            .with_pkce(&verifier);
        open(url.to_string());
        let code = timeout(PATIENCE, callback.code(&state)).await??;

        let (region, client) = (self.region.clone(), self.client.clone());
        let code = code.with_verifier(verifier);
        let source = AuthorizationCode::new(region, self.credentials.clone(), code, client);
        let org = self.over(source.with_store(file))?;
        org.tokens().token().await?; // a code lasts for minutes only
        Ok(org)
    }

    fn over(&self, source: impl TokenSource) -> Result<Org, BoxError> {
        let builder = Org::builder(self.region.clone()).allow_loopback();
        Ok(builder.build_from_source(source)?)
    }
}
