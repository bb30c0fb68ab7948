use std::{path::PathBuf, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::ExposeSecret;
use sha2::{Digest, Sha256};
use tempfile::TempDir;
use tokio::time::Instant;
use tower_genesys::{
    Credentials, TokenError,
    genesys::{
        grants::{AuthorizationCode, LoginCode, RefreshToken},
        login_file::LoginFile,
    },
    testing::{MockGenesys, MockService},
    token::{FetchContext, IssuedToken, Reason, TokenSource},
};

use crate::fixtures::place;
pub(crate) use crate::fixtures::{
    error_text::shown,
    mock_org::{Body, credentials},
    place::{mode, set_mode},
};

pub(crate) type Refreshing = RefreshToken<MockService, Credentials, Body>;

/// A temporary directory, and the file in it.
pub(crate) struct Place {
    parent: TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            parent: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn directory(&self) -> PathBuf {
        self.parent.path().join("program")
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory().join("login")
    }

    pub(crate) fn file(&self) -> LoginFile {
        LoginFile::unsealed(self.path()).unwrap()
    }

    /// The file, with a login of the mock in it.
    pub(crate) async fn logged_in(&self, mock: &MockGenesys) -> LoginFile {
        let file = self.file();
        fetch(&refreshing(mock, mock.issue_refresh_token(), &file))
            .await
            .unwrap();
        file
    }

    pub(crate) fn names(&self) -> Vec<String> {
        place::names(&self.directory())
    }
}

/// A process that starts with this refresh token.
pub(crate) fn refreshing(mock: &MockGenesys, token: String, file: &LoginFile) -> Refreshing {
    RefreshToken::new(mock.region(), credentials(mock), token, mock.service())
        .with_store(file.clone())
}

/// A process that starts with the refresh token in the file.
pub(crate) fn next_process(mock: &MockGenesys, file: &LoginFile) -> Refreshing {
    refreshing(mock, stored(file), file)
}

pub(crate) async fn fetch(source: &impl TokenSource) -> Result<IssuedToken, TokenError> {
    let deadline = Instant::now() + Duration::from_secs(15);
    source
        .fetch(FetchContext::new(Reason::Missing, deadline))
        .await
}

/// The refresh token in the file, which is not marked as in use.
pub(crate) fn stored(file: &LoginFile) -> String {
    let login = file.read().unwrap().expect("a login");
    assert!(!login.is_in_use());
    login.into_token().expose_secret().to_owned()
}

/// The refresh tokens that were sent.
pub(crate) fn sent(mock: &MockGenesys) -> Vec<String> {
    let posts = mock.requests_at(tower_genesys::testing::TOKEN);
    let tokens = posts.iter().filter_map(|post| {
        let mut form = form_urlencoded::parse(post.body());
        form.find(|(name, _)| name == "refresh_token")
            .map(|(_, value)| value.into_owned())
    });
    tokens.collect()
}

/// Logs in, whatever is in the file.
pub(crate) async fn log_in(mock: &MockGenesys, file: &LoginFile) {
    let callback = "http://127.0.0.1:1/callback";
    let code = LoginCode::new(mock.issue_code(callback), callback);
    let source = AuthorizationCode::<_, _, Body>::new(
        mock.region(),
        credentials(mock),
        code,
        mock.service(),
    )
    .with_store(file.clone());
    fetch(&source).await.unwrap();
}

/// The content of a file with this JSON.
pub(crate) fn framed(json: &str) -> String {
    let digest = STANDARD.encode(Sha256::digest(json));
    format!("tower-genesys login 1 {digest}\n{json}")
}
