//! The limit of an organisation's client: the book that counts it, and its key
//! there.

use std::sync::Arc;

use super::{ConfigError, ConfigErrorKind, CredentialsProvider, Region, grants::authentication};
use crate::{
    limiter::{KeySource, Limiter},
    store::{Limit, MemoryStore, Owner, StoreKey, book::SlotBook},
};

/// The part of the key that distinguishes a client's limit from its token.
const LIMIT: &str = "limit";

/// Returns the limiter of a limit that this process keeps by itself.
pub(super) fn of_process(limit: &Limit) -> Result<Limiter, ConfigError> {
    // Nothing else uses this book, so any key does.
    let key = KeySource::Fixed(StoreKey::new("", "", LIMIT));
    limiter(limit, Arc::new(MemoryStore::new()), key)
}

/// Returns the limiter of a limit that processes keep together in this book.
pub(super) fn of_client<P>(
    limit: &Limit,
    book: Arc<dyn SlotBook>,
    region: &Region,
    credentials: &P,
) -> Result<Limiter, ConfigError>
where
    P: CredentialsProvider + Clone,
{
    limiter(limit, book, key(region, credentials))
}

fn limiter(limit: &Limit, book: Arc<dyn SlotBook>, key: KeySource) -> Result<Limiter, ConfigError> {
    let wrong = |message: String| ConfigError::new(ConfigErrorKind::Limit, message);
    limit.check().map_err(wrong)?;
    Ok(Limiter::new(limit.clone(), book, key, owner()?))
}

/// Returns the key of a client's limit in a book. It has the client's id, which
/// the provider may read from a file or a vault, so it is asked for later.
fn key<P>(region: &Region, credentials: &P) -> KeySource
where
    P: CredentialsProvider + Clone,
{
    let credentials = credentials.clone();
    let host: Box<str> = region.login_host().into();
    KeySource::Asked(Arc::new(move || {
        let (credentials, host) = (credentials.clone(), host.clone());
        Box::pin(async move {
            let credentials = authentication::read(&credentials).await?;
            Ok(StoreKey::new(&host, credentials.id(), LIMIT))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::genesys::Credentials;

    #[tokio::test]
    async fn the_key_of_a_limit_names_the_login_host_with_its_port() {
        let credentials = Credentials::new("id", "s3cr3t").unwrap();
        let gateway = |base: &str| Region::custom(base, base).unwrap();
        for (region, host) in [
            (Region::EU_WEST_1, "login.mypurecloud.ie"),
            (gateway("https://GW.example:443/eu"), "gw.example"),
            (gateway("https://gw.example:8443/eu"), "gw.example:8443"),
        ] {
            let KeySource::Asked(identify) = key(&region, &credentials) else {
                panic!("a provider is asked");
            };
            let expected = StoreKey::new(host, "id", LIMIT);
            assert_eq!(identify().await.unwrap(), expected, "{host}");
        }
    }
}
