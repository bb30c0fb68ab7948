use http::Extensions;

use super::Origins;
use crate::token::TokenProvider;

/// Tokens, and the only origins that may receive them.
///
/// The two belong together, because any other host that receives the token can
/// use it.
///
/// [`SelectAccount`] has an example.
#[derive(Clone, Debug)]
pub struct Account<P> {
    tokens: P,
    origins: Origins,
}

impl<P> Account<P> {
    /// Creates an account with these tokens for these origins.
    pub const fn new(tokens: P, origins: Origins) -> Self {
        Self { tokens, origins }
    }

    /// Returns the provider of the tokens.
    pub const fn tokens(&self) -> &P {
        &self.tokens
    }

    /// Returns the origins that may receive the tokens.
    pub const fn origins(&self) -> &Origins {
        &self.origins
    }
}

/// Chooses the [`Account`] for a request by its extensions, so that one stack
/// serves many.
///
/// [`Org`](crate::Org) implements it. This example selects by a custom
/// extension:
///
/// ```
/// use http::{Extensions, Request};
/// use tower_genesys::{
///     BearerLayer, BoxError,
///     bearer::{Account, Origins, SelectAccount},
///     token::FixedToken,
/// };
///
/// #[derive(Clone)]
/// struct Staging;
///
/// #[derive(Clone)]
/// struct Accounts {
///     production: Account<FixedToken>,
///     staging: Account<FixedToken>,
/// }
///
/// impl SelectAccount for Accounts {
///     type Tokens = FixedToken;
///
///     fn select<'a>(
///         &'a self,
///         extensions: &'a Extensions,
///     ) -> Option<&'a Account<FixedToken>> {
///         Some(match extensions.get() {
///             Some(Staging) => &self.staging,
///             None => &self.production,
///         })
///     }
/// }
///
/// fn account(
///     token: &str,
///     host: &str,
/// ) -> Result<Account<FixedToken>, BoxError> {
///     let origins = Origins::of_host(host)?;
///     Ok(Account::new(FixedToken::new(token)?, origins))
/// }
///
/// let accounts = Accounts {
///     production: account("s3cr3t", "api.mypurecloud.ie")?,
///     staging: account("g3h3im", "api.mypurecloud.de")?,
/// };
/// let mut request = Request::new(());
/// request.extensions_mut().insert(Staging);
/// let chosen = accounts.select(request.extensions()).expect("always one");
/// let uri = "https://api.mypurecloud.de/".parse()?;
/// assert!(chosen.origins().allows(&uri));
/// let layer = BearerLayer::per_request(accounts);
/// # let _ = layer;
/// # Ok::<(), BoxError>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not select an account for a request",
    note = "for one account, use `BearerLayer::new(tokens, origins)`"
)]
pub trait SelectAccount {
    /// The provider of the tokens of all accounts.
    type Tokens: TokenProvider;

    /// Returns the account of this request. `None` refuses the request, with
    /// [`OriginErrorKind::NoAccount`](super::OriginErrorKind::NoAccount).
    fn select<'a>(&'a self, extensions: &'a Extensions) -> Option<&'a Account<Self::Tokens>>;
}

/// Selects the same account for every request.
impl<P: TokenProvider> SelectAccount for Account<P> {
    type Tokens = P;

    fn select<'a>(&'a self, _extensions: &'a Extensions) -> Option<&'a Self> {
        Some(self)
    }
}
