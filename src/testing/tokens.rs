//! The valid access tokens: how they are issued, how they end, and the rate
//! limit of each.

use std::{
    collections::{HashMap, VecDeque},
    time::Duration,
};

use tokio::time::Instant;

use super::{data::Random, rules::TokenFate};

/// The window of the rate limit.
const MINUTE: Duration = Duration::from_secs(60);

/// The valid access tokens.
pub(super) struct Tokens {
    live: HashMap<Box<str>, Token>,
    /// The same tokens, oldest first.
    order: VecDeque<Box<str>>,
    /// How many may be valid at once.
    cap: usize,
    lifetime: Duration,
    /// Requests of one token per minute.
    per_minute: Option<u32>,
}

/// A token, without its text.
#[derive(Clone)]
pub(super) struct Token {
    /// The id of the client that it was issued to.
    pub(super) client: Box<str>,
    /// Whether a user has logged in; otherwise the client acts for itself.
    pub(super) user: bool,
    /// `None` if the time is beyond what an `Instant` can hold.
    expires: Option<Instant>,
    /// Its current minute; `None` before its first request.
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

    /// Issues a new token.
    pub(super) fn mint(&mut self, random: &mut Random, client: &str, user: bool) -> String {
        let text = random.token();
        self.adopt(&text, client, user);
        text
    }

    /// Accepts a text as a token, issued now. Evicts the oldest tokens over the
    /// cap, as Genesys Cloud does.
    pub(super) fn adopt(&mut self, text: &str, client: &str, user: bool) {
        let token = Token {
            client: client.into(),
            user,
            expires: Instant::now().checked_add(self.lifetime),
            window: None,
        };
        // A text that is adopted twice keeps its place in the order.
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

    /// Returns a token that is valid now.
    pub(super) fn get(&self, text: &str) -> Option<&Token> {
        let token = self.live.get(text)?;
        // Expired tokens stay in the map, and count for the cap, until they are
        // evicted.
        let now = Instant::now();
        token
            .expires
            .is_none_or(|expires| now < expires)
            .then_some(token)
    }

    /// Returns the number of tokens that are valid now.
    pub(super) fn count(&self) -> usize {
        let live = self.live.keys();
        live.filter(|text| self.get(text).is_some()).count()
    }

    /// Ends a token. Returns false if it was not there.
    pub(super) fn revoke(&mut self, text: &str) -> bool {
        self.order.retain(|own| **own != *text);
        self.live.remove(text).is_some()
    }

    pub(super) fn revoke_all(&mut self) {
        self.live.clear();
        self.order.clear();
    }

    /// Ends the tokens of one client.
    pub(super) fn revoke_client(&mut self, client: &str) {
        self.live.retain(|_, token| &*token.client != client);
        self.order.retain(|own| self.live.contains_key(own));
    }

    /// Lets all tokens expire now.
    pub(super) fn expire_all(&mut self) {
        let now = Some(Instant::now());
        for token in self.live.values_mut() {
            token.expires = now;
        }
    }

    /// Does to a request's token what a rule says.
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
            // The next minute begins with this request, not at a fixed beat.
            *window = fresh;
        } else if window.count >= limit {
            return Err((MINUTE - age, limit));
        }
        window.count += 1;
        Ok(())
    }
}
