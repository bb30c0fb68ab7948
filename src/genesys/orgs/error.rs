//! Why the registry has no organisation for a key.

use std::{borrow::Cow, error::Error, fmt, sync::Arc};

use crate::{BoxError, error::find};

/// Why [`Orgs`](super::Orgs) has no organisation for a key.
///
/// Callers that wait for the same organisation share the error, so it is cheap
/// to clone. It does not name the key, which may be personal.
///
/// ```
/// use tower_genesys::{
///     BoxError, Org, genesys::orgs::{Orgs, OrgsError, OrgsErrorKind},
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let orgs = Orgs::new(|_tenant: u32| async {
///     Err::<Org, _>(BoxError::from("no such tenant"))
/// });
/// let error = orgs.get(&7).await.expect_err("it is not built");
/// assert_eq!(error.kind(), OrgsErrorKind::Build);
/// let boxed: BoxError = error.into();
/// assert!(OrgsError::find(&*boxed).is_some());
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct OrgsError {
    kind: OrgsErrorKind,
    message: Cow<'static, str>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

/// The cause of an [`OrgsError`].
///
/// The [guide](crate::guide::operating#orgserrorkind) lists the next step for
/// each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum OrgsErrorKind {
    /// The closure that builds organisations returned an error, which is the
    /// source of this one.
    Build,
    /// The closure that builds organisations panicked.
    Panicked,
    /// As many organisations as the registry may hold are in use.
    Full,
    /// The registry was closed.
    Closed,
}

impl OrgsError {
    pub(super) fn build(error: BoxError) -> Self {
        Self {
            kind: OrgsErrorKind::Build,
            message: "the organisation could not be built; the cause says why, and the next call \
                      tries again"
                .into(),
            source: Some(error.into()),
        }
    }

    pub(super) fn panicked() -> Self {
        let message =
            "the closure that builds organisations panicked; the panic message says where";
        Self::new(OrgsErrorKind::Panicked, message)
    }

    pub(super) fn full(capacity: usize) -> Self {
        let message = format!(
            "all {capacity} organisations that the registry may hold are in use; raise \
             `OrgsBuilder::capacity`, or keep no `Org` longer than its request"
        );
        Self::new(OrgsErrorKind::Full, message)
    }

    pub(super) fn closed() -> Self {
        let message =
            "the registry of organisations was closed; do not call it after `Orgs::close`";
        Self::new(OrgsErrorKind::Closed, message)
    }

    fn new(kind: OrgsErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind,
            message: message.into(),
            source: None,
        }
    }

    /// Returns the cause.
    pub const fn kind(&self) -> OrgsErrorKind {
        self.kind
    }

    /// Finds the `OrgsError` in a chain of errors.
    pub fn find<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a Self> {
        find(error)
    }
}

impl fmt::Display for OrgsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for OrgsError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source
            .as_deref()
            .map(|source| source as &(dyn Error + 'static))
    }
}
