use std::time::Duration;

use crate::store::{
    Limit,
    book::{LimitEvent, Terms},
};

/// The limit, as this process states it and as all processes keep it.
///
/// The two differ if another process states a lower limit. A process without a
/// stated limit learns one from a 429 or from a grant, and states it from then
/// on.
#[derive(Debug)]
pub(super) struct Agreed {
    /// The program's setting.
    limit: Limit,
    /// The limit that this process states to the book: the program's, the
    /// learned one, or a lower one that a 429 named. `None`: unknown.
    terms: Option<Terms>,
    /// The limit that all processes keep, in requests a minute, as far as this
    /// process knows. Zero while it is unknown.
    in_use: u32,
}

impl Agreed {
    pub(super) fn new(limit: Limit) -> Self {
        let terms = limit.stated();
        Self {
            in_use: terms.map_or(0, |terms| terms.limit()),
            terms,
            limit,
        }
    }

    /// Returns the limit that this process states.
    pub(super) fn terms(&self) -> Option<Terms> {
        self.terms
    }

    /// Returns the limit that all processes keep; zero if it is unknown.
    pub(super) fn in_use(&self) -> u32 {
        self.in_use
    }

    /// Returns the distance between slots of all processes together; zero if
    /// the limit is unknown.
    pub(super) fn gap(&self) -> Duration {
        let terms = self.terms.map(|terms| terms.lowered(self.in_use));
        terms.map_or(Duration::ZERO, |terms| terms.gap())
    }

    /// Records the limit that the book reports.
    pub(super) fn told(&mut self, limit: u32, events: &mut Vec<LimitEvent>) {
        match self.terms {
            None => self.learn(limit, events),
            // Reported once for each lower limit, not with each grant.
            Some(terms) if limit < terms.limit() && limit != self.in_use => {
                let stated = terms.limit();
                events.push(LimitEvent::Lowered { stated, limit });
            }
            Some(_) => {}
        }
        self.in_use = limit;
    }

    /// Records the limit that a 429 names.
    pub(super) fn named(&mut self, limit: u32, events: &mut Vec<LimitEvent>) {
        // A body can name any number; an absurd one is ignored.
        if !(1..=Terms::MAX_LIMIT).contains(&limit) {
            return;
        }
        match (self.terms, self.limit.stated()) {
            (Some(terms), _) if terms.limit() == limit => {}
            // Without a stated limit, the last 429 is the best knowledge.
            (_, None) => self.learn(limit, events),
            // A 429 can lower the program's limit and take that back, but
            // never raise it: the program may have stated less on purpose.
            (_, Some(stated)) => {
                let terms = stated.lowered(limit);
                if limit < stated.limit() {
                    let stated = stated.limit();
                    events.push(LimitEvent::Lowered { stated, limit });
                }
                self.terms = Some(terms);
                self.in_use = self.in_use.min(terms.limit());
            }
        }
    }

    /// Adopts a limit that the program has not stated.
    fn learn(&mut self, limit: u32, events: &mut Vec<LimitEvent>) {
        self.terms = Some(self.limit.terms(limit));
        self.in_use = limit;
        events.push(LimitEvent::Learned { limit });
    }
}
