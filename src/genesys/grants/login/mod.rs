//! A login that renews itself, and the one fetch that its grants share.
//!
//! [`Login::fetch`] has the order of steps. `slot` hands the grant to one
//! request at a time, and `error` names each end of a login. With a store, the
//! login stores each refresh token before the access token that came with it is
//! used. It marks a refresh token before it sends it, so that the next process
//! knows whether the refresh token may be used up.

mod error;
mod grant;
mod slot;
mod store;

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use tokio::time::Instant;

pub(super) use grant::Grant;
use grant::{Absent, Gone, Marked};
pub use slot::LoginHandle;
use slot::{Slot, Taken};
use store::ErasedStore;
pub use store::{IssuedRefreshToken, RefreshTokenMark, RefreshTokenStore};

use super::{TokenClient, authentication::Authentication, endpoint::Endpoint, wire::Issued};
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
        LoginHandle::new(&self.slot)
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
        let least = least_time(cx, begun);
        if !has_time(cx, least) {
            return Err(self.too_late());
        }
        self.mark(&mut taken, cx).await?;
        self.check_current(&taken)?;
        // The mark takes half of the time, unless the thread was blocked.
        if !has_time(cx, least / 2) {
            return Err(self.too_late());
        }
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

    /// Stores the newest refresh token, if that is yet to be done.
    async fn persist(&self, taken: &mut Taken<'_>) -> Result<(), TokenError> {
        let Some(token) = taken.unpersisted() else {
            return Ok(());
        };
        self.check_current(taken)?;
        if let Some(store) = &self.store {
            let token = IssuedRefreshToken::new(token.clone());
            store
                .persist(token)
                .await
                .map_err(|error| self.not_persisted(error))?;
        }
        taken.persisted();
        self.check_current(taken)
    }

    /// Marks the refresh token as in use. If that fails, the login does not
    /// send it.
    ///
    /// A write that failed may have been carried out. So a mark that is found
    /// after a failed mark of this process counts as its own, since each login
    /// belongs to one process at a time.
    async fn mark(&self, taken: &mut Taken<'_>, cx: &FetchContext) -> Result<(), TokenError> {
        let Some(store) = &self.store else {
            return Ok(());
        };
        let Some((token, before)) = taken.to_be_marked() else {
            return Ok(());
        };
        // From here on the store may hold the mark, even if this future is
        // dropped.
        taken.set_marked(Marked::Unknown);
        let marking = store.mark(IssuedRefreshToken::new(token));
        let now = Instant::now();
        // The other half is for the request.
        let half = limit(cx, now).saturating_duration_since(now) / 2;
        let answer = by(now + half, marking)
            .await
            .unwrap_or_else(|| Err("the store did not answer in time".into()))
            .map_err(|error| self.not_marked(error))?;
        // After an unknown write, a mark is this process's own, even if marked
        // tokens are tried: `unmark` removes own marks only.
        taken.set_marked(match answer {
            RefreshTokenMark::Set => Marked::Own,
            RefreshTokenMark::Unsupported => Marked::No,
            RefreshTokenMark::Found if before == Marked::Unknown => Marked::Own,
            RefreshTokenMark::Found if self.tries_marked => Marked::Foreign,
            RefreshTokenMark::Found => return Err(self.given_up(taken, Gone::Marked)),
            // Certainly used up, whether or not an earlier mark of this process
            // was stored.
            RefreshTokenMark::Replaced => return Err(self.given_up(taken, Gone::Replaced)),
        });
        Ok(())
    }

    /// Removes this process's mark from a refresh token that is certainly not
    /// used up. If that fails, the next fetch tries again.
    async fn unmark(&self, taken: &mut Taken<'_>, cx: &FetchContext) {
        let (Some(store), Some(token)) = (&self.store, taken.to_be_unmarked()) else {
            return;
        };
        // The store already belongs to the new login.
        if !taken.is_current() {
            return;
        }
        let unmarking = store.unmark(IssuedRefreshToken::new(token));
        match by(limit(cx, Instant::now()), unmarking).await {
            Some(Ok(())) => taken.set_marked(Marked::No),
            // The fetch continues: only a process that starts from the store
            // heeds the mark.
            Some(Err(error)) => {
                tracing::debug!(
                    error,
                    "the mark on the refresh token could not be taken off"
                );
            }
            None => {}
        }
    }
}

/// Returns the least time for a request: one that is cut off may lose the
/// login. For callers with a short deadline, an eighth of it is enough.
fn least_time(cx: &FetchContext, begun: Instant) -> Duration {
    let whole = cx.deadline.saturating_duration_since(begun);
    FOR_REQUEST.min(whole / 8)
}

/// Reports whether this much time is left, and any at all: a fetch may begin
/// after its deadline.
fn has_time(cx: &FetchContext, least: Duration) -> bool {
    let left = cx.deadline.saturating_duration_since(Instant::now());
    !left.is_zero() && left >= least
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
