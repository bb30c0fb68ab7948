/// The ordinal of a token among those that one cache has adopted.
///
/// It tells a token that was refused from the one that has replaced it, and means nothing outside
/// the process.
///
/// An example is at [`FixedToken`](super::FixedToken).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(u64);

impl Generation {
    /// Before the first token: every token is newer.
    pub const NONE: Self = Self(0);

    /// The number itself: how many tokens the cache has adopted up to this one.
    pub const fn get(self) -> u64 {
        self.0
    }

    pub(crate) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}
