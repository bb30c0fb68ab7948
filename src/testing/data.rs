//! The data that the mock invents from its seed: tokens, ids and conversations.

use std::ops::Range;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::timestamp;

/// The week in which all conversations begin, in the API's notation.
pub(super) const INTERVAL: &str = "2026-01-05T00:00:00.000Z/2026-01-12T00:00:00.000Z";
/// The beginning of that week, in milliseconds since 1970.
const BEGIN: i64 = 1_767_571_200_000;
/// The end of that week.
pub(super) const END: &str = "2026-01-12T00:00:00.000Z";
/// In milliseconds.
const WEEK: u64 = 7 * 86_400_000;
const MEDIA: [&str; 5] = ["voice", "chat", "email", "message", "callback"];

/// The source of tokens, ids and data: the same sequence for the same seed.
#[derive(Clone)]
pub(super) struct Random(fastrand::Rng);

/// A conversation, in a form that is smaller than its JSON, because a mock may
/// have many thousands.
pub(super) struct Conversation {
    id: Box<str>,
    begin: i64,
    end: i64,
    media: &'static str,
    direction: &'static str,
    /// For the parts that [`json`](Self::json) invents, so that they are the
    /// same each time.
    seed: u64,
}

impl Random {
    pub(super) fn new(seed: u64) -> Self {
        Self(fastrand::Rng::with_seed(seed))
    }

    /// Returns a token as opaque and as long as one of Genesys.
    pub(super) fn token(&mut self) -> String {
        let mut bytes = [0; 64];
        self.0.fill(&mut bytes);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// Returns a random UUID (RFC 9562, version 4).
    pub(super) fn uuid(&mut self) -> String {
        let mut word = || self.0.u32(..);
        let (a, b, c, d) = (word(), word(), word(), word());
        // A UUID states its version, 4, and its variant, 1.
        let b = (b & 0xffff_0fff) | 0x0000_4000;
        let c = (c & 0x3fff_ffff) | 0x8000_0000;
        let (b1, b2) = (b >> 16, b & 0xffff);
        let (c1, c2) = (c >> 16, c & 0xffff);
        format!("{a:08x}-{b1:04x}-{b2:04x}-{c1:04x}-{c2:04x}{d:08x}")
    }

    /// Returns a number below `end`, or 0 if `end` is 0.
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0.u64(..end.max(1))
    }
}

/// Returns conversations in the order of their beginning, spread evenly over
/// the week: one at a random time of each equal part.
pub(super) fn conversations(random: &mut Random, count: usize) -> Vec<Conversation> {
    let spacing = WEEK / (count.max(1) as u64);
    let one = |index: usize| {
        let offset = (index as u64).saturating_mul(spacing) + random.below(spacing);
        let begin = BEGIN.saturating_add_unsigned(offset);
        let length = 10_000 + random.below(30 * 60_000);
        let outbound = random.below(4) == 0;
        Conversation {
            id: random.uuid().into(),
            begin,
            end: begin.saturating_add_unsigned(length),
            media: MEDIA[usize::try_from(random.below(5)).unwrap_or(0)],
            direction: if outbound { "outbound" } else { "inbound" },
            seed: random.below(u64::MAX),
        }
    };
    (0..count).map(one).collect()
}

impl Conversation {
    /// Returns whether the conversation began in the interval.
    pub(super) fn begins_in(&self, interval: &Range<i64>) -> bool {
        interval.contains(&self.begin)
    }

    /// Returns whether the conversation was active in the interval.
    pub(super) fn is_active_in(&self, interval: &Range<i64>) -> bool {
        self.begin < interval.end && interval.start < self.end
    }

    /// Returns the conversation as the API shows it in a details query.
    pub(super) fn json(&self) -> Value {
        let mut random = Random::new(self.seed);
        let mut participant = |purpose: &str, name: &str| {
            json!({
                "participantId": random.uuid(),
                "participantName": name,
                "purpose": purpose,
                "sessions": [{
                    "sessionId": random.uuid(),
                    "mediaType": self.media,
                    "direction": self.direction,
                    "segments": [{
                        "segmentStart": timestamp::format(self.begin),
                        "segmentEnd": timestamp::format(self.end),
                        "segmentType": "interact",
                        "conference": false,
                    }],
                }],
            })
        };
        let participants = [
            participant("customer", "Customer"),
            participant("agent", "Agent"),
        ];
        json!({
            "conversationId": self.id,
            "conversationStart": timestamp::format(self.begin),
            "conversationEnd": timestamp::format(self.end),
            "originatingDirection": self.direction,
            "divisionIds": [],
            "participants": participants,
        })
    }
}
