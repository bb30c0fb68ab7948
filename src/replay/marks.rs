/// Response extension set by [`Bearer`](crate::bearer) on a 401: sending the request once more can
/// help, because a token newer than the refused one is there or on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renewable;

/// Response extension set by [`Refresh`](crate::refresh) on a [`Renewable`] 401 when a layer
/// outside keeps the only copy of the request: that layer shall send it again at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resend;

/// Response extension on a [`Renewable`] 401 that was returned to the caller all the same: why the
/// request was not sent again.
///
/// An example is in the [guide](crate::guide::operating#why-this-401).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unreplayed {
    /// It had already been sent again once after a 401, with a newer token, which was refused as
    /// well.
    AlreadyReplayed,
    /// Its body was not to be had again: a stream over the cap, or one that ended in an error. Or it
    /// has a header that was made around the checks of `http`.
    BodyGone,
}
