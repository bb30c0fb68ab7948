use super::{machine::View, moment::Moment, stamp::Stamp};
use crate::token::AccessToken;

/// A [`View`] as a hit looks at it.
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

    /// The same with bytes of its own.
    pub(super) fn detached(&self) -> Option<Self> {
        let (token, end) = (self.token.detached()?, self.end);
        Some(Self { token, end })
    }
}

/// A token is known by its generation.
impl PartialEq for Visible {
    fn eq(&self, other: &Self) -> bool {
        (self.token.generation(), self.end) == (other.token.generation(), other.end)
    }
}
