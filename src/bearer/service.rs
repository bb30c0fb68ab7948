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

/// Sets the bearer token of each request. See the [module](super) for what it does.
#[derive(Clone, Debug)]
pub struct Bearer<S, A> {
    pub(super) inner: S,
    pub(super) accounts: A,
}

impl<S: Clone, P: TokenProvider> Bearer<S, Account<P>> {
    /// Signs every request with these tokens, for these origins only.
    pub const fn new(inner: S, tokens: P, origins: Origins) -> Self {
        Self {
            inner,
            accounts: Account::new(tokens, origins),
        }
    }
}

impl<S, A> Bearer<S, A> {
    /// The service below.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// The service below.
    pub fn get_mut(&mut self) -> &mut S {
        &mut self.inner
    }

    /// The service below, without this layer.
    pub fn into_inner(self) -> S {
        self.inner
    }
}

impl<S: Clone, A> Bearer<S, A> {
    /// Leaves an unready service in place of the ready one, whose permit goes back at once.
    fn unready(&mut self) -> S {
        let fresh = self.inner.clone();
        drop(mem::replace(&mut self.inner, fresh.clone()));
        fresh
    }

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
        // No token leaves for a place that is not on the list, and where none may go nothing else is sent in
        // its place: the caller's own credentials least of all.
        match account.origins().check(request.uri()) {
            Verdict::Token => {}
            Verdict::NoToken => {
                request.headers_mut().remove(AUTHORIZATION);
                return ResponseFuture::unsigned(self.inner.call(request));
            }
            Verdict::Refused(error) => return self.refused(error),
        }
        let tokens = account.tokens().clone();
        // A request that waits gives its ready service back: the permit in it would be kept from others.
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

/// Whether the options of this request say that it gets no token.
fn goes_as_it_is<B>(request: &Request<B>) -> bool {
    // By reference: to copy the options out of empty extensions costs more than to look.
    let options = request.extensions().get::<CallOptions>();
    options.is_some_and(|options| {
        let keeps = options.keep_authorization && request.headers().contains_key(AUTHORIZATION);
        options.without_auth || keeps
    })
}
