use http::Extensions;

use super::Origins;
use crate::token::TokenProvider;

/// Tokens, and the origins that they may be sent to.
///
/// The two belong together: a token that is sent elsewhere is a token given away.
///
/// An example is at [`SelectAccount`].
#[derive(Clone, Debug)]
pub struct Account<P> {
    tokens: P,
    origins: Origins,
}

impl<P> Account<P> {
    /// These tokens, for these origins.
    pub const fn new(tokens: P, origins: Origins) -> Self {
        Self { tokens, origins }
    }

    /// Where the tokens come from.
    pub const fn tokens(&self) -> &P {
        &self.tokens
    }

    /// Where they may be sent.
    pub const fn origins(&self) -> &Origins {
        &self.origins
    }
}

/// Chooses the [`Account`] for a request by its extensions, so that one stack serves many.
///
/// [`Org`](crate::Org) is one. By a mark of your own:
///
/// ```
/// use http::{Extensions, Request};
/// use tower_genesys::{BearerLayer, bearer::{Account, Origins, SelectAccount}, token::FixedToken};
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
///     fn select<'a>(&'a self, extensions: &'a Extensions) -> Option<&'a Account<FixedToken>> {
///         Some(match extensions.get::<Staging>() {
///             Some(Staging) => &self.staging,
///             None => &self.production,
///         })
///     }
/// }
///
/// let account = |token, host| Ok::<_, tower_genesys::BoxError>(Account::new(FixedToken::new(token)?, Origins::of_host(host)?));
/// let accounts = Accounts {
///     production: account("s3cr3t", "api.mypurecloud.ie")?,
///     staging: account("g3h3im", "api.mypurecloud.de")?,
/// };
/// let mut request = Request::new(());
/// request.extensions_mut().insert(Staging);
/// let chosen = accounts.select(request.extensions()).expect("there is always one");
/// assert!(chosen.origins().allows(&"https://api.mypurecloud.de/".parse().unwrap()));
/// let layer = BearerLayer::per_request(accounts);
/// # let _ = layer;
/// # Ok::<(), tower_genesys::BoxError>(())
/// ```
pub trait SelectAccount {
    /// Where the tokens of all its accounts come from.
    type Tokens: TokenProvider;

    /// The account that this request is to be sent with. Without one it is refused, with
    /// [`OriginErrorKind::NoAccount`](super::OriginErrorKind::NoAccount).
    fn select<'a>(&'a self, extensions: &'a Extensions) -> Option<&'a Account<Self::Tokens>>;
}

/// The same account for every request.
impl<P: TokenProvider> SelectAccount for Account<P> {
    type Tokens = P;

    fn select<'a>(&'a self, _extensions: &'a Extensions) -> Option<&'a Self> {
        Some(self)
    }
}
