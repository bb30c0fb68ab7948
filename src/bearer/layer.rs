use tower_layer::Layer;

use super::{Account, Bearer, Origins, SelectAccount};
use crate::token::TokenProvider;

/// Sets the bearer token of each request; see the [module](super).
#[derive(Clone, Debug)]
pub struct BearerLayer<A> {
    accounts: A,
}

impl<P: TokenProvider> BearerLayer<Account<P>> {
    /// Creates a layer that signs every request with these tokens, for these
    /// origins only.
    ///
    /// The [module docs](super#example) have an example.
    pub const fn new(tokens: P, origins: Origins) -> Self {
        Self {
            accounts: Account::new(tokens, origins),
        }
    }
}

impl<A: SelectAccount> BearerLayer<A> {
    /// Creates a layer that signs each request with the account that
    /// [`SelectAccount`](super::SelectAccount) returns for it. A request
    /// without an account is refused, with
    /// [`OriginErrorKind::NoAccount`](super::OriginErrorKind::NoAccount).
    ///
    /// [`SelectAccount`](super::SelectAccount) has an example.
    pub const fn per_request(accounts: A) -> Self {
        Self { accounts }
    }
}

impl<S, A: Clone> Layer<S> for BearerLayer<A> {
    type Service = Bearer<S, A>;

    fn layer(&self, inner: S) -> Self::Service {
        Bearer {
            inner,
            accounts: self.accounts.clone(),
        }
    }
}
