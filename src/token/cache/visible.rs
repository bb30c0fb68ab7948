use super::{machine::View, moment::Moment, stamp::Stamp};
use crate::token::AccessToken;

/// A [`View`] in the form that a hit compares.
#[derive(Debug)]
pub(super) struct Visible {
    pub(super) token: AccessToken,
    end: Stamp,
}

impl Visible {
    pub(super) fn new(view: View) -> Self {
        let end = Stamp::of(Moment {
            mono: view.until,
            wall: view.wall_until,
        });
        let token = view.token;
        Self { token, end }
    }

    #[inline]
    pub(super) fn serve(&self, now: Stamp) -> Option<AccessToken> {
        now.is_before(self.end).then(|| self.token.clone())
    }

    /// Copies the view and the token's bytes.
    pub(super) fn detached(&self) -> Option<Self> {
        let (token, end) = (self.token.detached()?, self.end);
        Some(Self { token, end })
    }
}

/// The generation identifies the token.
impl PartialEq for Visible {
    fn eq(&self, other: &Self) -> bool {
        (self.token.generation(), self.end) == (other.token.generation(), other.end)
    }
}
