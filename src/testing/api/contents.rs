//! The API's data, kept between requests.

use std::{collections::HashMap, ops::Range};

use serde_json::{Value, json};

use crate::testing::data::{self, Conversation, Random};

/// The states of a job, one for each poll.
pub(super) const STATES: [&str; 3] = ["QUEUED", "PENDING", "FULFILLED"];
pub(super) const ACTIVE: &str = "active";
pub(super) const DELETED: &str = "deleted";

/// The data of the API.
pub(in crate::testing) struct Api {
    pub(super) conversations: Vec<Conversation>,
    pub(in crate::testing) jobs: Jobs,
    pub(in crate::testing) users: Users,
    pub(super) organization: String,
}

impl Api {
    pub(in crate::testing) fn new(random: &mut Random, conversations: usize, users: usize) -> Self {
        Self {
            conversations: data::conversations(random, conversations),
            jobs: Jobs::default(),
            users: Users::new(random, users),
            organization: random.uuid(),
        }
    }
}

/// The end of a job without results, for
/// [`MockGenesys::end_jobs`](crate::testing::MockGenesys::end_jobs).
///
/// ```
/// use tower_genesys::testing::{JobEnd, MockGenesys};
///
/// let mock = MockGenesys::new();
/// mock.end_jobs(JobEnd::Expired);
/// # assert_eq!(mock.api_calls(), 0);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum JobEnd {
    /// `FAILED`, with an `errorMessage`.
    Failed,
    /// `CANCELLED` by another client.
    Cancelled,
    /// `EXPIRED`: the API has deleted the results.
    Expired,
}

#[derive(Default)]
pub(in crate::testing) struct Jobs(pub(super) HashMap<String, Job>);

pub(super) struct Job {
    pub(super) interval: Range<i64>,
    pub(super) descending: bool,
    pub(super) polls: usize,
    pub(super) end: Option<JobEnd>,
    pub(super) submitted: i64,
    /// When the job ended, in any state.
    pub(super) completed: Option<i64>,
}

impl Job {
    pub(super) fn state(&self) -> &'static str {
        match self.end {
            None => STATES[self.polls.clamp(1, STATES.len()) - 1],
            Some(JobEnd::Failed) => "FAILED",
            Some(JobEnd::Cancelled) => "CANCELLED",
            Some(JobEnd::Expired) => "EXPIRED",
        }
    }
}

impl Jobs {
    /// Ends all current jobs at this time.
    pub(in crate::testing) fn end(&mut self, end: JobEnd, now: i64) {
        for job in self.0.values_mut() {
            job.end = Some(end);
            job.completed.get_or_insert(now);
        }
    }
}

pub(in crate::testing) struct Users {
    pub(super) all: Vec<User>,
    pub(super) created: usize,
    /// The user of tokens from a login. No list contains it.
    pub(super) me: User,
}

pub(super) struct User {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) state: &'static str,
    pub(super) version: u64,
}

impl User {
    pub(super) fn new(id: String, name: String, email: String) -> Self {
        Self {
            id,
            name,
            email,
            state: ACTIVE,
            version: 1,
        }
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "id": self.id,
            "name": self.name,
            "email": self.email,
            "username": self.email,
            "state": self.state,
            "version": self.version,
            "selfUri": format!("/api/v2/users/{}", self.id),
        })
    }

    pub(super) fn is_in(&self, state: &str) -> bool {
        state == "any" || self.state == state
    }
}

impl Users {
    pub(super) fn new(random: &mut Random, count: usize) -> Self {
        let one = |index: usize| {
            let number = index + 1;
            let email = format!("user{number}@example.com");
            User::new(random.uuid(), format!("User {number}"), email)
        };
        let id = "00000000-0000-4000-8000-000000000001";
        let (name, email) = ("Logged-in user", "me@example.com");
        Self {
            all: (0..count).map(one).collect(),
            created: 0,
            me: User::new(id.into(), name.into(), email.into()),
        }
    }

    pub(in crate::testing) fn created(&self) -> usize {
        self.created
    }

    /// Returns the logged-in user.
    pub(super) fn me(&self) -> Value {
        self.me.json()
    }

    pub(super) fn find(&mut self, id: &str) -> Option<&mut User> {
        let mut all = self.all.iter_mut().chain([&mut self.me]);
        all.find(|user| user.id == id)
    }
}
