//! An issuer that issues and revokes tokens, in memory or behind a socket.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::SeqCst},
    },
    time::Duration,
};

use http::HeaderMap;

use crate::api::TOKEN;

/// An issuer of numbered tokens. A revocation ends all tokens that were issued
/// before.
#[derive(Clone, Debug, Default)]
pub struct Issuer(Arc<State>);

#[derive(Debug, Default)]
struct State {
    issued: AtomicU64,
    revoked: AtomicU64,
    delay: AtomicU64,
}

/// The lifetime that the issuer states for each token.
pub const LIFETIME: Duration = Duration::from_secs(86_400);

impl Issuer {
    /// Answers a token request, after the time of
    /// [`answer_after`](Self::answer_after).
    pub async fn issue(&self) -> String {
        let number = self.0.issued.fetch_add(1, SeqCst) + 1;
        let delay = Duration::from_millis(self.0.delay.load(SeqCst));
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        format!("{TOKEN}.{number}")
    }

    pub fn answer_after(&self, delay: Duration) {
        let milliseconds = delay.as_millis().try_into().unwrap_or(u64::MAX);
        self.0.delay.store(milliseconds, SeqCst);
    }

    /// The number of token requests.
    pub fn issued(&self) -> u64 {
        self.0.issued.load(SeqCst)
    }

    pub fn revoke_all(&self) {
        self.0.revoked.store(self.issued(), SeqCst);
    }

    /// Whether a request with these headers has a token that is not revoked.
    pub fn accepts(&self, headers: &HeaderMap) -> bool {
        let value = headers.get(http::header::AUTHORIZATION);
        let text = value.and_then(|value| value.to_str().ok());
        let number = text.and_then(|text| text.rsplit('.').next()?.parse().ok());
        number.is_some_and(|number: u64| number > self.0.revoked.load(SeqCst))
    }
}
