use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use tokio::time::Instant;

use super::{data::Random, rules::TokenFate};

const MINUTE: Duration = Duration::from_secs(60);

/// The valid access tokens.
pub(super) struct Tokens {
    live: HashMap<Box<str>, Token>,
    /// The same tokens, oldest first.
    order: VecDeque<Box<str>>,
    cap: usize,
    lifetime: Duration,
    per_minute: Option<u32>,
}

#[derive(Clone)]
pub(super) struct Token {
    pub(super) client: Box<str>,
    /// Whether a user has logged in; otherwise the client acts for itself.
    pub(super) user: bool,
    /// `None` if the time is beyond what an `Instant` can hold.
    expires: Option<Instant>,
    window: Option<Window>,
}

/// The requests of a token in the minute that their first one began.
#[derive(Clone)]
struct Window {
    began: Instant,
    count: u32,
}

impl Tokens {
    pub(super) fn new(cap: usize, lifetime: Duration, per_minute: Option<u32>) -> Self {
        Self {
            live: HashMap::new(),
            order: VecDeque::new(),
            cap: cap.max(1),
            lifetime,
            per_minute,
        }
    }

    pub(super) fn lifetime(&self) -> Duration {
        self.lifetime
    }

    pub(super) fn mint(&mut self, random: &mut Random, client: &str, user: bool) -> String {
        let text = random.token();
        self.adopt(&text, client, user);
        text
    }

    pub(super) fn adopt(&mut self, text: &str, client: &str, user: bool) {
        let token = Token {
            client: client.into(),
            user,
            expires: Instant::now().checked_add(self.lifetime),
            window: None,
        };
        if self.live.insert(text.into(), token).is_none() {
            self.order.push_back(text.into());
        }
        while self.live.len() > self.cap {
            match self.order.pop_front() {
                Some(oldest) => self.live.remove(&oldest),
                None => break,
            };
        }
    }

    pub(super) fn get(&self, text: &str) -> Option<&Token> {
        let token = self.live.get(text)?;
        let now = Instant::now();
        token
            .expires
            .is_none_or(|expires| now < expires)
            .then_some(token)
    }

    pub(super) fn count(&self) -> usize {
        let live = self.live.keys();
        live.filter(|text| self.get(text).is_some()).count()
    }

    pub(super) fn revoke(&mut self, text: &str) -> bool {
        self.order.retain(|own| **own != *text);
        self.live.remove(text).is_some()
    }

    pub(super) fn revoke_all(&mut self) {
        self.live.clear();
        self.order.clear();
    }

    pub(super) fn revoke_client(&mut self, client: &str) {
        self.live.retain(|_, token| &*token.client != client);
        self.order.retain(|own| self.live.contains_key(own));
    }

    pub(super) fn expire_all(&mut self) {
        let now = Some(Instant::now());
        for token in self.live.values_mut() {
            token.expires = now;
        }
    }

    pub(super) fn meet(&mut self, text: &str, fate: TokenFate) {
        match fate {
            TokenFate::Lives => {}
            TokenFate::Revoked => {
                self.revoke(text);
            }
            TokenFate::Expired => {
                if let Some(token) = self.live.get_mut(text) {
                    token.expires = Some(Instant::now());
                }
            }
        }
    }

    /// Counts a request. Over the limit, returns the time until the next is
    /// allowed, and the limit.
    pub(super) fn spend(&mut self, text: &str) -> Result<(), (Duration, u32)> {
        let (Some(limit), Some(token)) = (self.per_minute, self.live.get_mut(text)) else {
            return Ok(());
        };
        let now = Instant::now();
        let fresh = Window {
            began: now,
            count: 0,
        };
        let window = token.window.get_or_insert_with(|| fresh.clone());
        let age = now.saturating_duration_since(window.began);
        if age >= MINUTE {
            *window = fresh;
        } else if window.count >= limit {
            return Err((MINUTE - age, limit));
        }
        window.count += 1;
        Ok(())
    }
}
