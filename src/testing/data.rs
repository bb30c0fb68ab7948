use std::ops::Range;

use serde_json::{Value, json};

use super::{random::Random, timestamp};

/// The week in which all conversations begin.
pub(super) const INTERVAL: &str = "2026-01-05T00:00:00.000Z/2026-01-12T00:00:00.000Z";
const BEGIN: i64 = 1_767_571_200_000;
/// The end of that week.
pub(super) const END: &str = "2026-01-12T00:00:00.000Z";
const WEEK: u64 = 7 * 86_400_000;
const MEDIA: [&str; 5] = ["voice", "chat", "email", "message", "callback"];

/// A conversation, in a form smaller than its JSON.
pub(super) struct Conversation {
    id: Box<str>,
    begin: i64,
    end: i64,
    media: &'static str,
    direction: &'static str,
    seed: u64,
}

/// The conversations, ordered by their beginning and spread evenly over the
/// week.
pub(super) fn conversations(random: &mut Random, count: usize) -> Vec<Conversation> {
    let slot = WEEK / (count.max(1) as u64);
    let one = |index: usize| {
        let offset = (index as u64).saturating_mul(slot) + random.below(slot);
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
    pub(super) fn begins_in(&self, interval: &Range<i64>) -> bool {
        interval.contains(&self.begin)
    }

    /// Returns whether the conversation was active in the interval.
    pub(super) fn is_active_in(&self, interval: &Range<i64>) -> bool {
        self.begin < interval.end && interval.start < self.end
    }

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
