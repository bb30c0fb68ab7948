/// Response extension that [`Bearer`](crate::bearer) sets on a 401 if a resend
/// can help: a newer token than the refused one exists or is being fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Renewable;

/// Response extension that [`Refresh`](crate::refresh) sets on a [`Renewable`]
/// 401 if a layer outside keeps the only copy of the request. It asks that
/// layer to resend immediately.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Resend;

/// Response extension on a [`Renewable`] 401 that was returned to the caller:
/// the reason why the request was not resent.
///
/// An example is in the [guide](crate::guide::operating#why-this-401).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unreplayed {
    /// The request was already resent once after a 401, and the server refused
    /// the newer token as well.
    AlreadyReplayed,
    /// The request could not be copied. Its body is a stream that exceeded the
    /// cap or ended in an error, or it has a header that was built without the
    /// checks of `http`.
    BodyGone,
}
