//! The limit of an organisation's client: the book that counts it, and its key
//! there.

use std::sync::Arc;

use super::{ConfigError, ConfigErrorKind, CredentialsProvider, Region, grants::authentication};
use crate::{
    limiter::{KeySource, Limiter},
    store::{Limit, MemoryStore, Owner, Sharing, StoreKey, TokenStore},
};

/// Beside a key's client, what it is the key of.
const LIMIT: &str = "limit";

/// Returns the limiter of one process.
pub(super) fn of_one(limit: &Limit) -> Result<Limiter, ConfigError> {
    let store = MemoryStore::new();
    let timeout = store.operation_timeout();
    let key = KeySource::Fixed(StoreKey::new("", "", LIMIT));
    limit.check().map_err(wrong)?;
    Ok(Limiter::new(
        limit.clone(),
        Arc::new(store),
        key,
        owner()?,
        timeout,
    ))
}

/// Returns the limiter of all processes that share this client's token, if they
/// share a limit.
pub(super) fn of_fleet<P>(
    sharing: &Sharing,
    region: &Region,
    credentials: &P,
) -> Option<Result<Limiter, ConfigError>>
where
    P: CredentialsProvider + Clone,
{
    let limit = sharing.limit()?;
    Some(shared(limit, sharing, region, credentials))
}

fn shared<P>(
    limit: &Limit,
    sharing: &Sharing,
    region: &Region,
    credentials: &P,
) -> Result<Limiter, ConfigError>
where
    P: CredentialsProvider + Clone,
{
    limit.check().map_err(wrong)?;
    let book = sharing.store().clone().book().ok_or_else(|| {
        wrong(
            "the store keeps no book, which `Sharing::with_limit` needs; use `RedisStore`, implement \
             `TokenStore::book`, or have one process keep to its share with `OrgBuilder::limit`"
                .to_owned(),
        )
    })?;
    let (sharing, credentials) = (sharing.clone(), credentials.clone());
    let timeout = sharing.operation_timeout();
    let host: Box<str> = region.login_base().host().unwrap_or_default().into();
    let key = KeySource::Asked(Arc::new(move || {
        let (sharing, credentials, host) = (sharing.clone(), credentials.clone(), host.clone());
        Box::pin(async move {
            let credentials = authentication::read(&credentials).await?;
            Ok(sharing.key(StoreKey::new(&host, credentials.id(), LIMIT)))
        })
    }));
    Ok(Limiter::new(limit.clone(), book, key, owner()?, timeout))
}

pub(super) fn stated_twice() -> ConfigError {
    wrong(
        "a limit is stated for the sharing and for this process; leave out `OrgBuilder::limit`, since \
         processes that share a token share its limit"
            .to_owned(),
    )
}

fn owner() -> Result<Owner, ConfigError> {
    Owner::random().map_err(|_| {
        wrong(
            "to keep a limit takes randomness, and the system has none to give; check that this \
             process may use it"
                .to_owned(),
        )
    })
}

fn wrong(message: String) -> ConfigError {
    ConfigError::new(ConfigErrorKind::Limit, message)
}
