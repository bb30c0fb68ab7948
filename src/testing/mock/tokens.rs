//! What a test does to tokens, clients, logins and jobs, as an administrator or
//! a person would.

use super::MockGenesys;
use crate::testing::{Grant, JobEnd};

/// Changing tokens and clients.
///
/// ```
/// use tower_genesys::testing::{Grant, MockGenesys};
///
/// let mock = MockGenesys::new();
/// let (token, other) = (mock.mint_token(), mock.mint_token());
/// mock.accept_token("a token of a fixture");
/// assert_eq!(mock.live_tokens(), 3);
/// assert!(mock.revoke(&token) && !mock.revoke(&token));
/// mock.expire_all();
/// assert_eq!(mock.live_tokens(), 0);
/// mock.revoke_all();
///
/// mock.rotate_secret("another secret");
/// assert_eq!(mock.client_secret(), "another secret");
///
/// mock.mint_token();
/// mock.disable_client();
/// assert_eq!(mock.live_tokens(), 0, "its tokens end with it");
/// mock.enable_client();
///
/// // All other grants fail with `unauthorized_client`.
/// mock.allow_grants([Grant::AuthorizationCode, Grant::RefreshToken]);
/// let uri = "http://127.0.0.1:8080/callback";
/// let code = mock.issue_code(uri);
/// let challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";
/// let with_pkce = mock.issue_code_with_challenge(uri, challenge);
/// assert_ne!(code, with_pkce);
/// assert!(!mock.issue_refresh_token().is_empty());
/// # let _ = other;
/// ```
impl MockGenesys {
    /// Issues a token to the first client without a request, as if it were
    /// obtained elsewhere.
    pub fn mint_token(&self) -> String {
        // Before the lock: `client_id` takes it, too.
        let client = self.client_id();
        let state = &mut *self.shared.lock();
        state.tokens.mint(&mut state.random, &client, false)
    }

    /// Accepts this text as a token of the first client, issued now.
    pub fn accept_token(&self, token: &str) {
        let client = self.client_id();
        self.shared.lock().tokens.adopt(token, &client, false);
    }

    /// Returns the number of valid tokens.
    pub fn live_tokens(&self) -> usize {
        self.shared.lock().tokens.count()
    }

    /// Revokes a token. Returns false if the mock does not have it, because it
    /// was revoked or evicted, for example. An expired token is still there.
    pub fn revoke(&self, token: &str) -> bool {
        self.shared.lock().tokens.revoke(token)
    }

    /// Revokes all tokens.
    pub fn revoke_all(&self) {
        self.shared.lock().tokens.revoke_all();
    }

    /// Makes all tokens expire now. Unlike [`revoke_all`](Self::revoke_all), it
    /// leaves them in their places for
    /// [`MockBuilder::max_tokens`](crate::testing::MockBuilder::max_tokens).
    pub fn expire_all(&self) {
        self.shared.lock().tokens.expire_all();
    }

    /// Gives the first client another secret. The mock refuses the old one from
    /// now on. Tokens stay valid.
    pub fn rotate_secret(&self, secret: impl Into<String>) {
        if let Some(client) = self.shared.lock().first_client() {
            client.secret = secret.into();
        }
    }

    /// Disables the first client, and revokes its tokens.
    pub fn disable_client(&self) {
        let id = self.client_id();
        let mut state = self.shared.lock();
        state.tokens.revoke_client(&id);
        if let Some(client) = state.first_client() {
            client.enabled = false;
        }
    }

    /// Enables the first client again.
    pub fn enable_client(&self) {
        if let Some(client) = self.shared.lock().first_client() {
            client.enabled = true;
        }
    }

    /// Ends all jobs started so far in this way, whatever their state.
    /// [`JobEnd`] has an example.
    pub fn end_jobs(&self, end: JobEnd) {
        let state = &mut *self.shared.lock();
        state.api.jobs.end(end, state.clock.now());
    }

    /// Sets the grants that clients may use.
    ///
    /// # Default
    ///
    /// All.
    pub fn allow_grants(&self, grants: impl IntoIterator<Item = Grant>) {
        self.shared.lock().grants.allowed = grants.into_iter().collect();
    }

    /// Issues an authorization code for the first client, as if a user had just
    /// logged in. It works once.
    pub fn issue_code(&self, redirect_uri: &str) -> String {
        self.code(redirect_uri, None)
    }

    /// Like [`issue_code`](Self::issue_code), for a login that began with this
    /// `code_challenge` of the method `S256` (RFC 7636).
    pub fn issue_code_with_challenge(&self, redirect_uri: &str, challenge: &str) -> String {
        self.code(redirect_uri, Some(challenge))
    }

    /// Issues a code for the first client.
    fn code(&self, redirect_uri: &str, challenge: Option<&str>) -> String {
        let client = self.client_id();
        let state = &mut *self.shared.lock();
        let random = &mut state.random;
        state
            .grants
            .issue_code(random, &client, redirect_uri, challenge)
    }

    /// Issues a refresh token for the first client. It works once; the response
    /// to it contains the next one.
    pub fn issue_refresh_token(&self) -> String {
        let client = self.client_id();
        let state = &mut *self.shared.lock();
        state.grants.issue_refresh_token(&mut state.random, &client)
    }
}
