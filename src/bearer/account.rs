use http::Extensions;

use super::Origins;
use crate::token::TokenProvider;

/// Tokens, and the origins that they may be sent to.
///
/// The two belong together: a token that is sent elsewhere is a token given away.
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
pub trait SelectAccount {
    /// Where the tokens of all its accounts come from.
    type Tokens: TokenProvider;

    /// The account that this request is to be sent with.
    fn select<'a>(&'a self, extensions: &'a Extensions) -> &'a Account<Self::Tokens>;
}

/// The same account for every request.
impl<P: TokenProvider> SelectAccount for Account<P> {
    type Tokens = P;

    fn select<'a>(&'a self, _extensions: &'a Extensions) -> &'a Self {
        self
    }
}
