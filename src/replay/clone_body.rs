use http_body::Body;

/// A request body of which a layer can keep a copy, to send the request once more.
///
/// [`Refresh`](crate::refresh) and [`Retry`](crate::retry) ask for it;
/// [`ReplayBody`](super::ReplayBody) is it for any body. A layer that keeps a copy marks the body
/// that it passes on with [`hold`](Self::hold), and a layer further in that finds the mark keeps
/// none: so a request is cloned once however many layers could send it again, and two such layers
/// add up their sends instead of multiplying them.
///
/// The order of clones matters. A clone is *newer* than the body that it was made from, and only
/// the newest that was polled goes on: a layer sends the older one and keeps the newer.
#[diagnostic::on_unimplemented(
    message = "a layer that sends again cannot keep a `{Self}`",
    note = "put `ReplayLayer` outside of `RetryLayer` and `RefreshLayer`: they get a `ReplayBody` then, which is kept whatever the body",
    note = "`GenesysLayer` has it inside"
)]
pub trait CloneBody: Body + Sized {
    /// A newer body that sends the same frames from the beginning, without the mark of
    /// [`hold`](Self::hold).
    ///
    /// `None` when the bytes are not to be had again; the body itself can still be sent.
    fn try_clone(&self) -> Option<Self>;

    /// Whether this body, kept while an older clone of it was sent, can still be sent from the
    /// beginning.
    ///
    /// It cannot once the older one has run over the cap of what is kept, or has met an error of
    /// the caller's body; nor once it is itself revoked, or has given out its first frame.
    fn is_replayable(&self) -> bool;

    /// Whether the clone that was polled last has handed all its frames to the transport.
    ///
    /// An answer to a request that is not wholly sent leaves an HTTP/1 connection that nothing can
    /// use again, so there is no point in reading that answer to its end.
    fn is_sent(&self) -> bool;

    /// Marks this body: a layer outside keeps a clone of it, and will send that when it has to.
    fn hold(&mut self);

    /// Whether [`hold`](Self::hold) was called on this very body (not on the one that it was
    /// cloned from).
    fn is_held(&self) -> bool;

    /// Takes over from all older clones: each gives an error at its next poll, and is woken for
    /// it if it waits.
    ///
    /// Without this, a connection that is in the middle of sending an older clone would wait for
    /// the rest for ever.
    ///
    /// Does nothing and returns false when this body can no longer be sent from the beginning.
    /// Check and take-over are one step: [`is_replayable`](Self::is_replayable) may change at any
    /// moment, as a connection goes on sending an older clone on another thread; once this has
    /// said true, no older clone can take anything away. Ask before an answer is given up for
    /// another attempt.
    #[must_use = "when it is false, the older body goes on, and this one must not be sent"]
    fn revoke_others(&self) -> bool;
}
