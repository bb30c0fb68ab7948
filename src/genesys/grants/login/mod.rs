//! A login that renews itself, and the one fetch that its grants share.
//!
//! [`Login::fetch`] has the order of steps. `slot` hands the grant to one
//! request at a time, `storing` talks to the user's store, and `error` names
//! each end of a login.

mod error;
mod grant;
mod slot;
mod store;
mod storing;

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use secrecy::SecretString;
use tokio::time::Instant;

pub(super) use grant::Grant;
use grant::{Absent, Gone};
use slot::{Slot, Taken};
use store::ErasedStore;
pub use store::{IssuedRefreshToken, RefreshTokenMark, RefreshTokenStore};

use super::{
    TokenClient, authentication::Authentication, authorize::LoginCode, endpoint::Endpoint,
    wire::Issued,
};
use crate::{
    genesys::CredentialsProvider,
    runtime::by,
    token::{FetchContext, IssuedToken, TokenError},
};

/// The cache drops a fetch at its deadline. This much earlier, the login ends a
/// request without an answer itself, so that it can record the loss and name it
/// in the error.
const BEFORE_DEADLINE: Duration = Duration::from_millis(50);

/// The least time for a request to the token endpoint. If the credentials, the
/// client and the store leave less, the login sends nothing.
const FOR_REQUEST: Duration = Duration::from_secs(2);

/// A handle that gives a source a new login, after the person has logged in
/// again.
///
/// [`RefreshToken::handle`](crate::genesys::grants::RefreshToken::handle) and
/// [`AuthorizationCode::handle`](crate::genesys::grants::AuthorizationCode::handle)
/// return it. Call them before you move the source into a cache. A clone refers
/// to the same source.
///
/// After a [`LoginRequired`](crate::token::TokenErrorKind::LoginRequired), a
/// cache pauses before it asks its source again: 5 seconds at first, and up to
/// 5 minutes. [`TokenCache::invalidate`](crate::TokenCache::invalidate) ends
/// the pause.
///
/// A request in flight when you give the source a new login belongs to the old
/// one. Its result is discarded, and its caller gets a
/// [`Busy`](crate::token::TokenErrorKind::Busy).
///
/// An example is at
/// [`AuthorizationCode`](crate::genesys::grants::AuthorizationCode).
#[derive(Clone)]
pub struct LoginHandle {
    slot: Arc<Slot>,
}

/// A login that renews itself: from a code to a refresh token, and from each
/// refresh token to the next.
pub(super) struct Login<C, P, B> {
    pub(super) endpoint: Endpoint<C, B>,
    authentication: Authentication<P>,
    slot: Arc<Slot>,
    store: Option<Box<dyn ErasedStore>>,
    /// Whether a refresh token is sent even if the store finds it marked.
    pub(super) tries_marked: bool,
}

impl LoginHandle {
    /// Continues with this refresh token. If the source has a store, the next
    /// fetch stores it first.
    pub fn replace(&self, refresh_token: impl Into<SecretString>) {
        self.slot.replace(Grant::unstored(refresh_token.into()));
    }

    /// Continues with this code, which the next fetch exchanges.
    pub fn replace_code(&self, code: LoginCode) {
        self.slot.replace(Grant::Code(code));
    }

    /// Reports whether every fetch fails with
    /// [`LoginRequired`](crate::token::TokenErrorKind::LoginRequired) until the
    /// source gets a new login. The token that was fetched last may still be
    /// valid.
    pub fn is_login_required(&self) -> bool {
        self.slot.is_gone()
    }
}

impl<C, P, B> Login<C, P, B> {
    pub(super) fn new(
        endpoint: Endpoint<C, B>,
        authentication: Authentication<P>,
        grant: Grant,
    ) -> Self {
        Self {
            endpoint,
            authentication,
            slot: Arc::new(Slot::new(grant)),
            store: None,
            tries_marked: false,
        }
    }

    pub(super) fn set_store(&mut self, store: impl RefreshTokenStore) {
        self.store = Some(Box::new(store));
    }

    pub(super) fn handle(&self) -> LoginHandle {
        LoginHandle {
            slot: Arc::clone(&self.slot),
        }
    }

    /// Fetches a token with the grant, and keeps the grant that replaces it.
    ///
    /// Dropping the future before the request is sent leaves the grant in the
    /// slot.
    pub(super) async fn fetch(&self, cx: &FetchContext) -> Result<IssuedToken, TokenError>
    where
        C: TokenClient<B>,
        P: CredentialsProvider,
        B: From<Full<Bytes>>,
    {
        let begun = Instant::now();
        let mut taken = self.slot.take().map_err(|absent| self.absent(absent))?;
        // First what an earlier fetch has left: a refresh token to store, a
        // mark to remove, a token to return.
        self.persist(&mut taken).await?;
        self.unmark(&mut taken, cx).await;
        if let Some(token) = taken.waiting_access(cx.reason) {
            return Ok(token);
        }
        // All that can fail without using up the grant comes before the mark,
        // which costs a write.
        let identity = self.authentication.identity().await?;
        let client = self.endpoint.ready().await?;
        self.check_current(&taken)?;
        if !has_time(cx, begun) {
            return Err(self.too_late());
        }
        self.mark(&mut taken, cx).await?;
        self.check_current(&taken)?;
        let Some(grant) = taken.spend() else {
            return Err(self.absent(Absent::InUse));
        };
        let sent = Instant::now();
        let sending = self.endpoint.send(client, &identity, grant.form());
        match by(limit(cx, sent), sending).await {
            Some(Ok(issued)) => self.adopt(&mut taken, grant, issued, sent, cx).await,
            Some(Err(failed)) => {
                let error = self.failed(&mut taken, grant, failed);
                self.unmark(&mut taken, cx).await;
                Err(error)
            }
            None => Err(self.cut_off(&mut taken)),
        }
    }

    /// Keeps the grant of a response, and returns its token once the refresh
    /// token is stored.
    async fn adopt(
        &self,
        taken: &mut Taken<'_>,
        grant: Grant,
        issued: Issued,
        sent: Instant,
        cx: &FetchContext,
    ) -> Result<IssuedToken, TokenError> {
        // Genesys refreshes only for clients with a secret, so a public
        // client's refresh token would fail later.
        let renewable = matches!(self.authentication, Authentication::Secret(_));
        match (issued.refresh, grant) {
            (Some(refresh), _) if renewable => {
                taken.renew(refresh, issued.access.clone(), sent);
                self.persist(taken).await?;
                taken.forget_access();
            }
            // This server does not rotate refresh tokens, so the old one stays
            // valid.
            (None, grant @ Grant::RefreshToken(_)) => {
                taken.put_back(grant);
                self.unmark(taken, cx).await;
            }
            _ => taken.lose(Gone::NoRefreshToken),
        }
        self.check_current(taken)?;
        Ok(issued.access)
    }

    /// Fails if the login was replaced. Then the old grant is neither sent nor
    /// stored, and its token is not returned: the new login may be another
    /// person's.
    fn check_current(&self, taken: &Taken<'_>) -> Result<(), TokenError> {
        if taken.is_current() {
            Ok(())
        } else {
            Err(self.replaced())
        }
    }
}

/// Reports whether enough time is left for a request: one that is cut off may
/// lose the login. For callers with a short deadline, an eighth of it is
/// enough.
fn has_time(cx: &FetchContext, begun: Instant) -> bool {
    let whole = cx.deadline.saturating_duration_since(begun);
    let left = cx.deadline.saturating_duration_since(Instant::now());
    left >= FOR_REQUEST.min(whole / 8)
}

/// Returns when the login gives up a wait that begins now:
/// [`BEFORE_DEADLINE`] before the deadline. Of a short deadline only an eighth
/// is kept back, so that most of it is left for the wait.
fn limit(cx: &FetchContext, now: Instant) -> Instant {
    let left = cx.deadline.saturating_duration_since(now);
    now + (left - BEFORE_DEADLINE.min(left / 8))
}

impl<C, P: fmt::Debug, B> Login<C, P, B> {
    pub(super) fn debug(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("login_host", &self.endpoint.login_host())
            .field("authentication", &self.authentication)
            .field("grant", &self.slot)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for LoginHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LoginHandle")
            .field("grant", &self.slot)
            .finish_non_exhaustive()
    }
}
