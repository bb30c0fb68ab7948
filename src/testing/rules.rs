//! The rules of a test, and which of them applies to a request. `script` writes
//! rules, `exchange.rs` carries the chosen plan out.

use std::{sync::Arc, time::Duration};

use http::{HeaderMap, Method};

use super::{body::Fault, reply::Reply, route::Route};

/// Which requests at a route a rule selects. Ordinals begin with 1.
#[derive(Clone, Copy, Debug)]
pub(super) enum Selector {
    Always,
    /// The next request, whatever its ordinal.
    Once,
    Nth(u64),
    /// The ordinals up to this one.
    First(u64),
    /// This ordinal and all later ones.
    From(u64),
    /// The multiples of this number.
    Every(u64),
}

/// What happens to one request. The default is the usual response.
#[derive(Clone, Default)]
pub(super) struct Plan {
    /// In addition to the mock's latency.
    pub(super) delay: Duration,
    /// What happens to the request's token before it is checked.
    pub(super) token: TokenFate,
    pub(super) reaction: Reaction,
    /// Whether requests without a valid token get the scripted response too.
    pub(super) to_anyone: bool,
    /// What happens to the body of the response.
    pub(super) fault: Fault,
    /// Headers of the response, which replace those of the same name.
    pub(super) headers: HeaderMap,
    /// The raw JSON of `expires_in`; empty to omit it.
    pub(super) expires_in: Option<Arc<str>>,
}

/// The fate of the token that a request carries.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum TokenFate {
    #[default]
    Lives,
    Revoked,
    Expired,
}

/// How the mock reacts to a request.
#[derive(Clone, Default)]
pub(super) enum Reaction {
    /// It handles the request.
    #[default]
    Normal,
    /// It reads the request, and responds with this.
    Scripted(Reply),
    /// It responds as soon as the head has arrived.
    Early(Reply),
    /// It reads the request, and never responds.
    Never,
    /// It reads the request, and cuts the connection.
    Reset,
}

/// All rules, oldest first.
#[derive(Default)]
pub(super) struct Rules {
    rules: Vec<Rule>,
    /// The id of the newest rule.
    next: u64,
}

/// One rule of a test.
pub(super) struct Rule {
    /// For the [`Script`](super::Script) that changes it.
    id: u64,
    route: Route,
    pub(super) selector: Selector,
    /// The number of requests at the route since the mock was created.
    seen: u64,
    /// Whether it has applied to a request.
    spent: bool,
    pub(super) plan: Plan,
}

impl Rules {
    /// Adds a rule, and returns its id. `seen` is the number of requests at the
    /// route so far.
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

    /// Changes a rule, unless `clear` has removed it.
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
                // Each rule counts, but only the newest that picks the request
                // applies.
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
    /// Returns whether the rule selects the request that it has just counted.
    fn picks(&self) -> bool {
        // `seen` includes this request, so ordinals begin with 1.
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
