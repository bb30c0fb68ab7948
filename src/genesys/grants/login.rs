use std::{fmt, sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use tokio::time::Instant;

use super::{
    authentication::Authentication,
    endpoint::{Endpoint, Failed, Fate},
    one_time::{Absent, Gone, Grant, Slot, Taken},
    store::{ErasedStore, IssuedRefreshToken},
    token_client::TokenClient,
    wire::Issued,
};
use crate::{
    BoxError,
    genesys::CredentialsProvider,
    runtime::by,
    token::{FetchContext, IssuedToken, TokenError, TokenErrorKind},
};

/// The cache drops a fetch at its deadline. A little before that, a request that has no answer yet
/// is given up here, where it is known what that means.
const BEFORE_DEADLINE: Duration = Duration::from_millis(50);

/// A login that goes on: from a code to a refresh token, and from each refresh token to the next.
pub(super) struct Login<C, P, B> {
    pub(super) endpoint: Endpoint<C, B>,
    pub(super) authentication: Authentication<P>,
    pub(super) slot: Arc<Slot>,
    pub(super) store: Option<Box<dyn ErasedStore>>,
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
        }
    }

    /// A future that is dropped leaves the grant where it was, as long as nothing was sent.
    pub(super) async fn fetch(&self, cx: &FetchContext) -> Result<IssuedToken, TokenError>
    where
        C: TokenClient<B>,
        P: CredentialsProvider,
        B: From<Full<Bytes>>,
    {
        let mut taken = self.slot.take().map_err(|absent| self.absent(absent))?;
        self.persist(&mut taken).await?;
        if let Some(token) = taken.waiting_access(cx.reason) {
            return Ok(token);
        }
        let identity = self.authentication.identity().await?;
        let client = self.endpoint.ready().await?;
        self.check_current(&taken)?;
        let Some(grant) = taken.spend() else {
            return Err(self.absent(Absent::InUse));
        };
        let sent = Instant::now();
        let sending = self.endpoint.send(client, &identity, grant.form());
        match by(limit(cx, sent), sending).await {
            Some(Ok(issued)) => self.adopt(&mut taken, grant, issued, sent).await,
            Some(Err(failed)) => Err(self.failed(&mut taken, grant, failed)),
            None => Err(self.cut_off(&mut taken)),
        }
    }

    /// Keeps what came back, and hands out the token as soon as its refresh token is stored.
    async fn adopt(
        &self,
        taken: &mut Taken<'_>,
        grant: Grant,
        issued: Issued,
        sent: Instant,
    ) -> Result<IssuedToken, TokenError> {
        let renewable = matches!(self.authentication, Authentication::Secret(_));
        match (issued.refresh, grant) {
            (Some(refresh), _) if renewable => {
                taken.renew(refresh, issued.access.clone(), sent);
                self.persist(taken).await?;
                taken.forget_access();
            }
            // It does not rotate, so it can be sent again.
            (None, grant @ Grant::RefreshToken(_)) => taken.put_back(grant),
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
            // What became of a login that was replaced matters to nobody.
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

    fn absent(&self, absent: Absent) -> TokenError {
        let why = match absent {
            Absent::InUse => {
                return self.error(
                    TokenErrorKind::Busy,
                    "another request is using the login, which can be used once only; ask again \
                     when that one is over",
                );
            }
            Absent::Gone(Gone::Refused) => {
                "the login is over: the code or refresh token was refused (invalid_grant), and is \
                 not sent again"
            }
            Absent::Gone(Gone::Interrupted) => {
                "the login is lost: a request with the code or refresh token was dropped before its \
                 answer came (time-out?), so that it may be spent, and is not sent a second time"
            }
            Absent::Gone(Gone::Unanswered) => {
                "the login is lost: a request with the code or refresh token was sent, and no \
                 usable answer came, so that it may be spent, and is not sent a second time"
            }
            Absent::Gone(Gone::CutOff) => {
                "the login may be lost: a request with the code or refresh token was sent, and no \
                 answer came in time, so that it may be spent, and is not sent a second time; allow a \
                 slow token endpoint more with `CacheSettings::with_deadline`"
            }
            Absent::Gone(Gone::NoRefreshToken) => {
                "the login cannot be renewed: no refresh token came with it (PKCE without a secret, \
                 or an organisation with an inactivity timeout)"
            }
        };
        let message = format!("{why}; log in again, and give the result to `LoginHandle`");
        self.error(TokenErrorKind::LoginRequired, message)
    }

    /// What was replaced is neither sent nor stored, and its token not handed out: the new login
    /// may be somebody else's.
    fn check_current(&self, taken: &Taken<'_>) -> Result<(), TokenError> {
        if taken.is_current() {
            Ok(())
        } else {
            Err(self.replaced())
        }
    }

    fn replaced(&self) -> TokenError {
        self.error(
            TokenErrorKind::Busy,
            "the login was replaced while a token was asked for by the old one; ask again",
        )
    }

    fn not_persisted(&self, error: BoxError) -> TokenError {
        let message = "the new refresh token could not be stored (see the cause); it is kept in \
                       memory, and is lost if the process ends before storing works again";
        self.error(TokenErrorKind::NotPersisted, message)
            .with_source(error)
    }

    fn error(
        &self,
        kind: TokenErrorKind,
        message: impl Into<std::borrow::Cow<'static, str>>,
    ) -> TokenError {
        TokenError::new(kind, message).with_login_host(self.endpoint.login_host())
    }
}

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
