//! The contract between layers that can resend one request: [`CloneBody`] and
//! the marks on responses.
//!
//! A layer on the way in marks the body ([`CloneBody::mark_kept`]), so that the
//! layers further in keep no copy. On the way out, `Bearer` sets [`Renewable`],
//! `Refresh` adds [`Resend`] for the layer that has the copy, and the layer
//! that cannot resend replaces it with [`Unreplayed`].

use http_body::Body;

/// A request body that a layer can clone, to resend the request.
///
/// [`Refresh`](crate::refresh) and [`Retry`](crate::retry) require it, and
/// [`ReplayBody`](super::ReplayBody) implements it for any body. A layer that
/// keeps a clone marks the body that it passes on with
/// [`mark_kept`](Self::mark_kept). A layer further in that finds the mark does
/// not clone the body. So a request is cloned once, however many layers could
/// resend it, and the sends of two such layers add up instead of multiplying.
///
/// The order of clones matters. A clone is *newer* than its original. When a
/// newer body is polled, all older ones end in an error. So a layer sends the
/// older body and keeps the newer one.
///
/// Implement it for a body type that is cheap to clone in another way. A layer
/// that resends uses it like this:
///
/// ```
/// use bytes::Bytes;
/// use http_body_util::{BodyExt, Full};
/// use tower_genesys::{ReplayBody, replay::CloneBody};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tower_genesys::BoxError> {
/// let mut older = ReplayBody::new(Full::<Bytes>::from("hello"));
/// assert!(!older.is_kept()); // no layer outside keeps a clone
/// let newer = older.try_clone().expect("the body is in memory");
/// older.mark_kept(); // a layer further in keeps none
///
/// // Sends the older body. The response calls for another attempt:
/// older.collect().await?;
/// assert!(newer.is_sent() && newer.revoke_others());
/// assert_eq!(newer.collect().await?.to_bytes(), "hello");
/// # Ok(())
/// # }
/// ```
#[diagnostic::on_unimplemented(
    message = "a layer that resends requests cannot clone a `{Self}`",
    note = "put `ReplayLayer` outside of `RetryLayer` and `RefreshLayer`: it wraps any body in a `ReplayBody`, which they can clone",
    note = "`GenesysLayer` contains a `ReplayLayer`"
)]
pub trait CloneBody: Body + Sized {
    /// Returns a newer body that sends the same frames from the beginning,
    /// without the mark of [`mark_kept`](Self::mark_kept).
    ///
    /// Returns `None` if the bytes cannot be produced a second time. The body
    /// itself can still be sent.
    fn try_clone(&self) -> Option<Self>;

    /// Returns whether this body can still be sent from the beginning, after an
    /// older clone was sent.
    ///
    /// It returns false after any of these events:
    ///
    /// - the older body exceeded the cap on kept bytes,
    /// - the caller's body returned an error,
    /// - a newer clone invalidated this body,
    /// - this body returned its first frame.
    fn is_replayable(&self) -> bool;

    /// Returns whether the clone that was polled last has handed all its frames
    /// to the transport.
    ///
    /// If the server responds before the request is fully sent, an HTTP/1
    /// connection cannot be reused. Reading that response to its end would gain
    /// nothing.
    fn is_sent(&self) -> bool;

    /// Marks this body: a layer outside keeps a clone of it, and resends the
    /// request if necessary.
    fn mark_kept(&mut self);

    /// Returns whether [`mark_kept`](Self::mark_kept) was called on this body.
    /// A mark on its original does not count.
    fn is_kept(&self) -> bool;

    /// Invalidates all older clones: each returns an error at its next poll,
    /// and a task that waits for one is woken.
    ///
    /// Without this call, a connection that is sending an older clone would
    /// wait forever for the rest of it.
    ///
    /// If this body can no longer be sent from the beginning, the method does
    /// nothing and returns false. The check and the invalidation are one atomic
    /// step. The result of [`is_replayable`](Self::is_replayable) can change at
    /// any moment, because a connection on another thread may still be sending
    /// an older clone. After this method has returned true, no older clone can
    /// consume anything. Call it before you discard a response for another
    /// attempt.
    #[must_use = "if it is false, the older body stays valid, and this one must not be sent"]
    fn revoke_others(&self) -> bool;
}

/// Response extension that [`Bearer`](crate::bearer) sets on a 401 if a resend
/// can help: a newer token than the refused one exists or is being fetched.
///
/// The [docs of `refresh`](crate::refresh#example) have an example.
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
/// ```
/// use http::{Response, StatusCode};
/// use tower_genesys::replay::Unreplayed;
///
/// fn explain<R>(response: &Response<R>) -> Option<&'static str> {
///     match response.extensions().get()? {
///         Unreplayed::AlreadyReplayed => Some("a newer token is refused, too"),
///         Unreplayed::BodyGone => Some("the upload was too long to keep"),
///         _ => None,
///     }
/// }
///
/// let mut response = Response::new(());
/// *response.status_mut() = StatusCode::UNAUTHORIZED;
/// response.extensions_mut().insert(Unreplayed::BodyGone);
/// assert_eq!(explain(&response), Some("the upload was too long to keep"));
/// ```
///
/// The [guide](crate::guide::operating#why-this-401) names the next step.
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
