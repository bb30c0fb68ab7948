use std::{
    mem,
    task::{Context, Poll},
};

use http::{Request, Response, header::AUTHORIZATION};
use tower_service::Service;

use super::{Account, OriginError, Origins, ResponseFuture, SelectAccount, origins::Verdict};
use crate::{
    BoxError,
    call::{CallOptions, Refused},
    token::{Generation, TokenProvider},
};

/// A service that sets the bearer token of each request; see the
/// [module](super).
#[derive(Clone, Debug)]
pub struct Bearer<S, A> {
    pub(super) inner: S,
    pub(super) accounts: A,
}

impl<S: Clone, P: TokenProvider> Bearer<S, Account<P>> {
    /// Wraps a service, and signs every request with these tokens, for these
    /// origins only.
    ///
    /// ```
    /// use http::{Request, Response, header::AUTHORIZATION};
    /// use tower::{ServiceExt, service_fn};
    /// use tower_genesys::{
    ///     BoxError,
    ///     bearer::{Bearer, Origins},
    ///     token::FixedToken,
    /// };
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), BoxError> {
    /// let client = service_fn(async |request: Request<()>| {
    ///     let signed = request.headers().contains_key(AUTHORIZATION);
    ///     Ok::<_, BoxError>(Response::new(signed))
    /// });
    /// let origins = Origins::of_host("api.mypurecloud.com")?;
    /// let bearer = Bearer::new(client, FixedToken::new("s3cr3t")?, origins);
    /// let request = Request::get("https://api.mypurecloud.com/").body(())?;
    /// assert!(bearer.oneshot(request).await?.into_body());
    /// # Ok(())
    /// # }
    /// ```
    pub const fn new(inner: S, tokens: P, origins: Origins) -> Self {
        Self {
            inner,
            accounts: Account::new(tokens, origins),
        }
    }
}

impl<S, A> Bearer<S, A> {
    /// Returns a reference to the inner service.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Returns a mutable reference to the inner service.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// Returns the inner service.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S: Clone, A> Bearer<S, A> {
    /// Takes the service and leaves an unready clone, so that a permit of the
    /// ready one is released at once.
    fn unready(&mut self) -> S {
        let fresh = self.inner.clone();
        drop(mem::replace(&mut self.inner, fresh.clone()));
        fresh
    }

    /// Refuses a request. It is not sent, so the ready service is given back.
    #[cold]
    fn refused<B, P>(&mut self, error: OriginError) -> ResponseFuture<S, B, P>
    where
        S: Service<Request<B>>,
        P: TokenProvider,
    {
        self.unready();
        ResponseFuture::failed(Refused::new(error).into())
    }
}

impl<S, A, B, R> Service<Request<B>> for Bearer<S, A>
where
    S: Service<Request<B>, Response = Response<R>> + Clone,
    S::Error: Into<BoxError>,
    A: SelectAccount,
{
    type Response = Response<R>;
    type Error = BoxError;
    type Future = ResponseFuture<S, B, A::Tokens>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(cx).map_err(Into::into)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        if goes_as_it_is(&request) {
            return ResponseFuture::unsigned(self.inner.call(request));
        }
        let Some(account) = self.accounts.select(request.extensions()) else {
            return self.refused(OriginError::no_account(request.uri()));
        };
        // To an origin that is not listed, the caller's own credentials do not
        // go either.
        match account.origins().check(request.uri()) {
            Verdict::Token => {}
            Verdict::NoToken => {
                request.headers_mut().remove(AUTHORIZATION);
                return ResponseFuture::unsigned(self.inner.call(request));
            }
            Verdict::Refused(error) => return self.refused(error),
        }
        let tokens = account.tokens().clone();
        // A waiting request gives its ready service back, because other
        // requests may need its permit.
        match tokens.try_current() {
            Some(token) => {
                let generation = token.generation();
                let value = token.into_header_value();
                request.headers_mut().insert(AUTHORIZATION, value);
                ResponseFuture::signed(self.inner.call(request), tokens, generation)
            }
            None => {
                let wait = tokens.wait(Generation::NONE);
                ResponseFuture::waiting(wait, tokens, self.unready(), request)
            }
        }
    }
}

/// Returns whether the options of this request exclude a token.
fn goes_as_it_is<B>(request: &Request<B>) -> bool {
    // By reference, because a copy of the default options costs more than a
    // look-up.
    let options = request.extensions().get::<CallOptions>();
    options.is_some_and(|options| {
        let keeps = options.keep_authorization && request.headers().contains_key(AUTHORIZATION);
        options.without_auth || keeps
    })
}
