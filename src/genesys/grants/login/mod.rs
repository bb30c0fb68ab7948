mod error;
mod handle;
mod marking;
mod one_time;
mod store;

use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use tokio::time::Instant;

pub use handle::LoginHandle;
pub(super) use one_time::Grant;
use one_time::{Absent, Gone, Slot, Taken};
use store::ErasedStore;
pub use store::{IssuedRefreshToken, RefreshTokenMark, RefreshTokenStore};

use super::{
    authentication::Authentication,
    endpoint::{Endpoint, Failed, Fate},
    token_client::TokenClient,
    wire::Issued,
};
use crate::{
    genesys::CredentialsProvider,
    runtime::by,
    token::{FetchContext, IssuedToken, TokenError},
};

/// The cache drops a fetch at its deadline. A little before that, a request
/// that has no answer yet is given up here, where it is known what that means.
const BEFORE_DEADLINE: Duration = Duration::from_millis(50);

/// Less is left when the credentials, the client or the store have taken the
/// rest.
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

    /// A future that is dropped leaves the grant where it was, as long as
    /// nothing was sent.
    pub(super) async fn fetch(&self, cx: &FetchContext) -> Result<IssuedToken, TokenError>
    where
        C: TokenClient<B>,
        P: CredentialsProvider,
        B: From<Full<Bytes>>,
    {
        let begun = Instant::now();
        let mut taken = self.slot.take().map_err(|absent| self.absent(absent))?;
        self.persist(&mut taken).await?;
        self.unmark(&mut taken, cx).await;
        if let Some(token) = taken.waiting_access(cx.reason) {
            return Ok(token);
        }
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

    /// Keeps what came back, and hands out the token as soon as its refresh
    /// token is stored.
    async fn adopt(
        &self,
        taken: &mut Taken<'_>,
        grant: Grant,
        issued: Issued,
        sent: Instant,
        cx: &FetchContext,
    ) -> Result<IssuedToken, TokenError> {
        let renewable = matches!(self.authentication, Authentication::Secret(_));
        match (issued.refresh, grant) {
            (Some(refresh), _) if renewable => {
                taken.renew(refresh, issued.access.clone(), sent);
                self.persist(taken).await?;
                taken.forget_access();
            }
            // It does not rotate, so it can be sent again.
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

    fn failed(&self, taken: &mut Taken<'_>, grant: Grant, failed: Failed) -> TokenError {
        match failed.fate {
            Fate::Unspent => {
                taken.put_back(grant);
                failed.error
            }
            // The login was replaced, so its outcome no longer matters.
            _ if !taken.is_current() => self.replaced(),
            Fate::Refused => {
                taken.lose(Gone::Refused);
                failed.error
            }
            Fate::Unknown => {
                taken.lose(Gone::Unanswered);
                let id = failed.error.correlation_id().map(Box::<str>::from);
                let error = self
                    .absent(Absent::Gone(Gone::Unanswered))
                    .with_source(failed.error);
                match id {
                    Some(id) => error.with_correlation_id(id),
                    None => error,
                }
            }
        }
    }

    fn cut_off(&self, taken: &mut Taken<'_>) -> TokenError {
        if !taken.is_current() {
            return self.replaced();
        }
        taken.lose(Gone::CutOff);
        self.absent(Absent::Gone(Gone::CutOff))
    }

    /// A replaced grant is neither sent nor stored, and its token is not
    /// returned: the new login may be another person's.
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

/// When what is waited for now is given up.
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
