//! yup-oauth2: a token for each set of scopes. `force_refreshed_token` fetches
//! another one.

use std::sync::{PoisonError, RwLock};

use async_trait::async_trait;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use yup_oauth2::{
    ApplicationSecret, CustomHyperClientBuilder, DeviceFlowAuthenticator,
    authenticator::Authenticator,
    storage::{TokenInfo, TokenStorage, TokenStorageError},
};

use crate::loopback::Server;

pub const SCOPES: [&str; 1] = ["scope"];

/// An authenticator with an earlier login, and its token. Needs a runtime.
pub async fn authenticator(server: Server) -> Authenticator<HttpConnector> {
    let client = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
    let secret = ApplicationSecret {
        client_id: "client".into(),
        client_secret: "secret".into(),
        token_uri: server.token_url(),
        ..ApplicationSecret::default()
    };
    let client = CustomHyperClientBuilder::from(client);
    let login = TokenInfo {
        access_token: None,
        refresh_token: Some("refresh".into()),
        expires_at: None,
        id_token: None,
    };
    let builder = DeviceFlowAuthenticator::with_client(secret, client);
    let builder = builder.with_storage(Box::new(Memory(RwLock::new(login))));
    let authenticator = builder
        .build()
        .await
        .expect("the configuration is complete");
    let first = authenticator.force_refreshed_token(&SCOPES).await;
    first.expect("the server gives a token");
    authenticator
}

/// The crate's in-memory storage cannot start with a login.
struct Memory(RwLock<TokenInfo>);

#[async_trait]
impl TokenStorage for Memory {
    async fn set(&self, _scopes: &[&str], token: TokenInfo) -> Result<(), TokenStorageError> {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = token;
        Ok(())
    }

    async fn get(&self, _scopes: &[&str]) -> Option<TokenInfo> {
        Some(
            self.0
                .read()
                .unwrap_or_else(PoisonError::into_inner)
                .clone(),
        )
    }
}
