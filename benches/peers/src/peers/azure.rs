//! azure_core's bearer policy, with a callback for challenges that requests
//! another token. Without a callback, it returns each 401 to its caller.

use std::sync::Arc;

use async_trait::async_trait;
use azure_core::{
    Result,
    credentials::{AccessToken, TokenCredential, TokenRequestOptions},
    http::{
        Context, Request,
        headers::Headers,
        policies::auth::{Authorizer, BearerTokenAuthorizationPolicy, OnChallenge},
    },
    time::OffsetDateTime,
};

use crate::issuer::{Issuer, LIFETIME};

const SCOPES: [&str; 1] = ["scope"];

pub fn policy(issuer: Issuer) -> BearerTokenAuthorizationPolicy {
    let credential = Arc::new(Credential(issuer));
    let policy = BearerTokenAuthorizationPolicy::new(credential, SCOPES);
    policy.with_on_challenge(Arc::new(AuthorizeAgain))
}

#[derive(Debug)]
struct Credential(Issuer);

#[async_trait]
impl TokenCredential for Credential {
    async fn get_token(
        &self,
        _scopes: &[&str],
        _options: Option<TokenRequestOptions<'_>>,
    ) -> Result<AccessToken> {
        let expires = OffsetDateTime::now_utc() + LIFETIME;
        Ok(AccessToken::new(self.0.issue().await, expires))
    }
}

#[derive(Debug)]
struct AuthorizeAgain;

#[async_trait]
impl OnChallenge for AuthorizeAgain {
    async fn on_challenge(
        &self,
        _context: &Context,
        request: &mut Request,
        authorizer: &dyn Authorizer,
        _headers: &Headers,
    ) -> Result<()> {
        authorizer
            .authorize(request, &SCOPES, TokenRequestOptions::default())
            .await
    }
}
