use std::borrow::Cow;

use super::RedisStoreErrorKind;
use crate::store::StoreErrorKind;

/// What a failure comes to: for whoever goes on without the store, for whoever sets it up, and in
/// words.
///
/// Nothing of the server's own words is in it: some servers and proxies repeat the command that
/// they refuse, and with it the password.
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
