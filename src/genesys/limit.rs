//! The limit of an organisation's client: the book that counts it, and its key
//! there.

use std::{sync::Arc, time::Duration};

use super::{ConfigError, ConfigErrorKind, CredentialsProvider, Region, grants::authentication};
use crate::{
    limiter::{KeySource, Limiter},
    store::{Limit, MemoryStore, Owner, Sharing, StoreKey, TokenStore, book::SlotBook},
};

/// The part of the key that distinguishes a client's limit from its token.
const LIMIT: &str = "limit";

/// A limit, and which processes keep it together.
#[derive(Clone, Debug)]
pub(super) enum Scope {
    /// All processes that share the client's token.
    Client(Limit),
    /// This process, whether or not it shares the token.
    Process(Limit),
}

impl Scope {
    /// Returns the limiter of an organisation whose token is not shared.
    pub(super) fn limiter(&self) -> Result<Limiter, ConfigError> {
        let (Self::Client(limit) | Self::Process(limit)) = self;
        let store = MemoryStore::new();
        let timeout = store.operation_timeout();
        // Nothing else uses this store, so any key does.
        let key = KeySource::Fixed(StoreKey::new("", "", LIMIT));
        limiter(limit, Arc::new(store), key, timeout)
    }

    /// Returns the limiter of an organisation that shares its token.
    pub(super) fn shared_limiter<P>(
        &self,
        sharing: &Sharing,
        region: &Region,
        credentials: &P,
    ) -> Result<Limiter, ConfigError>
    where
        P: CredentialsProvider + Clone,
    {
        let Self::Client(limit) = self else {
            return self.limiter();
        };
        let book = sharing.store().clone().book().ok_or_else(|| {
            wrong(
                "the store keeps no book, which `OrgBuilder::limit` needs for a shared token; use \
                 `RedisStore`, implement `TokenStore::book`, or set this process's share with \
                 `OrgBuilder::process_limit`"
                    .to_owned(),
            )
        })?;
        let key = key(sharing, region, credentials);
        limiter(limit, book, key, sharing.operation_timeout())
    }
}

fn limiter(
    limit: &Limit,
    book: Arc<dyn SlotBook>,
    key: KeySource,
    timeout: Duration,
) -> Result<Limiter, ConfigError> {
    limit.check().map_err(wrong)?;
    Ok(Limiter::new(limit.clone(), book, key, owner()?, timeout))
}

/// Returns the key of a client's limit in a book. It has the client's id, which
/// the provider may read from a file or a vault, so it is asked for later.
fn key<P>(sharing: &Sharing, region: &Region, credentials: &P) -> KeySource
where
    P: CredentialsProvider + Clone,
{
    let (sharing, credentials) = (sharing.clone(), credentials.clone());
    let host: Box<str> = region.login_base().host().unwrap_or_default().into();
    KeySource::Asked(Arc::new(move || {
        let (sharing, credentials, host) = (sharing.clone(), credentials.clone(), host.clone());
        Box::pin(async move {
            let credentials = authentication::read(&credentials).await?;
            Ok(sharing.key(StoreKey::new(&host, credentials.id(), LIMIT)))
        })
    }))
}

fn owner() -> Result<Owner, ConfigError> {
    Owner::random().map_err(|error| {
        let message = "a limit needs a random number, and the system provides none; check that \
                       this process may read its random device";
        ConfigError::new(ConfigErrorKind::Randomness, message).with_source(error)
    })
}

fn wrong(message: String) -> ConfigError {
    ConfigError::new(ConfigErrorKind::Limit, message)
}
