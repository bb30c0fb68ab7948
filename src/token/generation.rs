/// The ordinal of a token among those that one cache has adopted.
///
/// It distinguishes a refused token from its replacement, and has no meaning
/// outside the process.
///
/// [`FixedToken`](super::FixedToken) has an example.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(u64);

impl Generation {
    /// Before the first token: every token is newer.
    pub const NONE: Self = Self(0);

    /// Returns the number of tokens that the cache has adopted, including this
    /// one.
    pub const fn get(self) -> u64 {
        self.0
    }

    pub(crate) const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}
