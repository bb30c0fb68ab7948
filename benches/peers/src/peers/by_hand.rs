//! Solutions without a crate, from a lock around a token to the best one that
//! we can write.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::{Instant, SystemTime},
};

use arc_swap::ArcSwap;
use http::HeaderValue;
use tokio::sync::Mutex;

use crate::issuer::{Issuer, LIFETIME};

#[derive(Clone, Debug)]
pub struct Token {
    header: HeaderValue,
    expires: Instant,
    expires_wall: SystemTime,
}

impl Token {
    async fn fetch(issuer: &Issuer) -> Self {
        let sent = (Instant::now(), SystemTime::now());
        let value = format!("Bearer {}", issuer.issue().await);
        Self {
            header: HeaderValue::try_from(value).expect("tokens are visible ASCII"),
            expires: sent.0 + LIFETIME,
            expires_wall: sent.1 + LIFETIME,
        }
    }
}

/// A token behind the lock of the standard library, with one clock. Each 401
/// fetches another token.
pub struct Locked {
    issuer: Issuer,
    token: RwLock<Option<Token>>,
}

impl Locked {
    pub async fn new(issuer: Issuer) -> Self {
        let token = RwLock::new(Some(Token::fetch(&issuer).await));
        Self { issuer, token }
    }

    pub fn hit(&self) -> Option<HeaderValue> {
        let token = self.token.read().unwrap_or_else(PoisonError::into_inner);
        let token = token.as_ref().filter(|it| Instant::now() < it.expires)?;
        Some(token.header.clone())
    }

    /// The same, reading both clocks.
    pub fn hit_by_both(&self) -> Option<HeaderValue> {
        let (now, wall) = (Instant::now(), SystemTime::now());
        let token = self.token.read().unwrap_or_else(PoisonError::into_inner);
        let token = token.as_ref();
        let token = token.filter(|it| now < it.expires && wall < it.expires_wall)?;
        Some(token.header.clone())
    }

    pub async fn header(&self) -> HeaderValue {
        match self.hit() {
            Some(header) => header,
            None => self.fetch().await,
        }
    }

    /// Discards the token after a 401.
    pub fn refused(&self) {
        *self.token.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    async fn fetch(&self) -> HeaderValue {
        let token = Token::fetch(&self.issuer).await;
        let header = token.header.clone();
        *self.token.write().unwrap_or_else(PoisonError::into_inner) = Some(token);
        header
    }
}

/// A token behind tokio's mutex, which stays locked during a fetch.
pub struct Queued {
    issuer: Issuer,
    token: Mutex<Token>,
}

impl Queued {
    pub async fn new(issuer: Issuer) -> Self {
        let token = Mutex::new(Token::fetch(&issuer).await);
        Self { issuer, token }
    }

    pub async fn header(&self) -> HeaderValue {
        let mut token = self.token.lock().await;
        if Instant::now() >= token.expires {
            *token = Token::fetch(&self.issuer).await;
        }
        token.header.clone()
    }

    /// Fetches another token, unless another caller has done so since `refused`
    /// was handed out.
    pub async fn refused(&self, refused: &HeaderValue) {
        let mut token = self.token.lock().await;
        if token.header == refused {
            *token = Token::fetch(&self.issuer).await;
        }
    }
}

/// A token that is read without a lock, and fetched under one, once for each
/// refused token: as good as a few lines get.
pub struct Swapped {
    issuer: Issuer,
    token: ArcSwap<Token>,
    fetching: Mutex<()>,
}

impl Swapped {
    pub async fn new(issuer: Issuer) -> Arc<Self> {
        let token = ArcSwap::from_pointee(Token::fetch(&issuer).await);
        Arc::new(Self {
            issuer,
            token,
            fetching: Mutex::default(),
        })
    }

    /// The floor: a load, and a clone of the header's value, without a check of
    /// the expiry.
    pub fn unchecked(&self) -> HeaderValue {
        self.token.load().header.clone()
    }

    /// The floor, reading both clocks.
    pub fn hit(&self) -> Option<HeaderValue> {
        let (now, wall) = (Instant::now(), SystemTime::now());
        let token = self.token.load();
        (now < token.expires && wall < token.expires_wall).then(|| token.header.clone())
    }

    pub async fn header(&self) -> HeaderValue {
        match self.hit() {
            Some(header) => header,
            None => {
                let old = self.unchecked();
                self.refused(&old).await;
                self.unchecked()
            }
        }
    }

    /// Fetches another token, unless another caller has done so since `refused`
    /// was handed out.
    pub async fn refused(&self, refused: &HeaderValue) {
        if self.token.load().header != refused {
            return;
        }
        let _fetching = self.fetching.lock().await;
        if self.token.load().header == refused {
            self.token.store(Arc::new(Token::fetch(&self.issuer).await));
        }
    }
}
