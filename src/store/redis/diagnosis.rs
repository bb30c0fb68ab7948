use std::borrow::Cow;

use super::RedisStoreErrorKind;
use crate::store::StoreErrorKind;

/// A failure as a [`StoreErrorKind`] for a running process, as a
/// [`RedisStoreErrorKind`] for a check, and as a message.
///
/// The message repeats none of the server's words: some servers and proxies
/// quote the command that they refuse, and with it the password.
#[derive(Clone, Debug)]
pub(super) struct Diagnosis {
    pub(super) kind: StoreErrorKind,
    pub(super) setup: RedisStoreErrorKind,
    pub(super) message: Cow<'static, str>,
}

impl Diagnosis {
    pub(super) const fn fixed(
        kind: StoreErrorKind,
        setup: RedisStoreErrorKind,
        message: &'static str,
    ) -> Self {
        Self {
            kind,
            setup,
            message: Cow::Borrowed(message),
        }
    }

    pub(super) fn new(
        kind: StoreErrorKind,
        setup: RedisStoreErrorKind,
        message: impl Into<Cow<'static, str>>,
    ) -> Self {
        Self {
            kind,
            setup,
            message: message.into(),
        }
    }
}
