use std::time::Duration;

use crate::store::{
    Limit,
    book::{LimitEvent, Terms},
};

/// The limit, as this process states it and as all processes keep it.
#[derive(Debug)]
pub(super) struct Agreed {
    limit: Limit,
    /// The limit that this process states. `None`: unknown.
    terms: Option<Terms>,
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

    pub(super) fn terms(&self) -> Option<Terms> {
        self.terms
    }

    pub(super) fn in_use(&self) -> u32 {
        self.in_use
    }

    /// Returns the distance between slots of all processes.
    pub(super) fn gap(&self) -> Duration {
        let terms = self.terms.map(|terms| terms.lowered(self.in_use));
        terms.map_or(Duration::ZERO, |terms| terms.gap())
    }

    /// Records the limit that the book reports.
    pub(super) fn told(&mut self, limit: u32, events: &mut Vec<LimitEvent>) {
        match self.terms {
            None => self.learn(limit, events),
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
        if !(1..=Terms::MAX_LIMIT).contains(&limit) {
            return;
        }
        match (self.terms, self.limit.stated()) {
            (Some(terms), _) if terms.limit() == limit => {}
            (_, None) => self.learn(limit, events),
            (_, Some(stated)) => {
                let terms = stated.lowered(limit);
                if Some(terms) != self.terms && limit < stated.limit() {
                    let stated = stated.limit();
                    events.push(LimitEvent::Lowered { stated, limit });
                }
                self.terms = Some(terms);
                self.in_use = self.in_use.min(terms.limit());
            }
        }
    }

    fn learn(&mut self, limit: u32, events: &mut Vec<LimitEvent>) {
        self.terms = Some(self.limit.terms(limit));
        self.in_use = limit;
        events.push(LimitEvent::Learned { limit });
    }
}
