use std::{sync::Arc, time::Duration};

use http::{HeaderMap, Method};

use super::{body::Fault, reply::Reply, route::Route};

#[derive(Clone, Copy, Debug)]
pub(super) enum Selector {
    Always,
    Once,
    Nth(u64),
    First(u64),
    From(u64),
    Every(u64),
}

/// The decision of the rules for one request.
#[derive(Clone, Default)]
pub(super) struct Plan {
    pub(super) delay: Duration,
    pub(super) token: TokenFate,
    pub(super) reaction: Reaction,
    /// Whether requests without a valid token get the scripted response too.
    pub(super) to_anyone: bool,
    pub(super) fault: Fault,
    /// Headers of the response, which replace those of the same name.
    pub(super) headers: HeaderMap,
    /// The raw JSON of `expires_in`; empty to omit it.
    pub(super) expires_in: Option<Arc<str>>,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum TokenFate {
    #[default]
    Lives,
    Revoked,
    Expired,
}

#[derive(Clone, Default)]
pub(super) enum Reaction {
    #[default]
    Normal,
    Scripted(Reply),
    Early(Reply),
    Never,
    Reset,
}

/// All rules, oldest first.
#[derive(Default)]
pub(super) struct Rules {
    rules: Vec<Rule>,
    next: u64,
}

pub(super) struct Rule {
    id: u64,
    route: Route,
    pub(super) selector: Selector,
    /// The number of requests at the route since the mock was created.
    seen: u64,
    spent: bool,
    pub(super) plan: Plan,
}

impl Rules {
    pub(super) fn add(&mut self, route: Route, selector: Selector, seen: u64) -> u64 {
        self.next += 1;
        self.rules.push(Rule {
            id: self.next,
            route,
            selector,
            seen,
            spent: false,
            plan: Plan::default(),
        });
        self.next
    }

    pub(super) fn change(&mut self, id: u64, change: impl FnOnce(&mut Rule)) {
        if let Some(rule) = self.rules.iter_mut().find(|rule| rule.id == id) {
            change(rule);
        }
    }

    pub(super) fn clear(&mut self) {
        self.rules.clear();
    }

    /// Counts an arrived request, and decides what happens to it.
    pub(super) fn arrive(&mut self, method: &Method, path: &str) -> Plan {
        let mut chosen = None;
        for rule in &mut self.rules {
            if rule.route.matches(method, path) {
                rule.seen += 1;
                if rule.picks() {
                    chosen = Some(rule);
                }
            }
        }
        let Some(rule) = chosen else {
            return Plan::default();
        };
        rule.spent = true;
        rule.plan.clone()
    }
}

impl Rule {
    /// `seen` counts this request already, so the first is 1.
    fn picks(&self) -> bool {
        // `seen` already includes this request, so ordinals begin with 1.
        match self.selector {
            Selector::Always => true,
            Selector::Once => !self.spent,
            Selector::Nth(nth) => self.seen == nth,
            Selector::First(first) => self.seen <= first,
            Selector::From(from) => self.seen >= from,
            Selector::Every(every) => every != 0 && self.seen % every == 0,
        }
    }
}
