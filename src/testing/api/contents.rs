//! The data of the mock's endpoints, kept between requests.

use std::{collections::HashMap, ops::Range};

use serde_json::{Value, json};

use crate::testing::data::{self, Conversation, Random};

/// The states of a job, one for each poll; the last one stays.
pub(super) const STATES: [&str; 3] = ["QUEUED", "PENDING", "FULFILLED"];
/// The state of a user who may log in.
pub(super) const ACTIVE: &str = "active";
/// The state of a user whom a `DELETE` has removed from lists.
pub(super) const DELETED: &str = "deleted";

/// The data of the API.
pub(in crate::testing) struct Api {
    pub(super) conversations: Vec<Conversation>,
    pub(in crate::testing) jobs: Jobs,
    pub(in crate::testing) users: Users,
    /// The id of the organisation.
    pub(super) organization: String,
}

impl Api {
    /// Creates the data. The seed decides all of it.
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
/// # use bytes::Bytes;
/// # use futures_util::StreamExt;
/// # use http_body_util::Full;
/// # use serde_json::{Value, json};
/// # use tower::Layer;
/// # use tower_genesys::{Credentials, GenesysLayer, Org, Pager};
/// use tower_genesys::genesys::paging::PageErrorKind;
/// use tower_genesys::testing::{DETAILS_JOBS, JobEnd, MockGenesys};
///
/// # #[tokio::main(flavor = "current_thread", start_paused = true)]
/// # async fn main() -> Result<(), tower_genesys::BoxError> {
/// let mock = MockGenesys::new();
/// # let keys = Credentials::new(mock.client_id(), mock.client_secret())?;
/// # let org = Org::builder(mock.region()).credentials(keys);
/// # let org = org.build(mock.http_client())?;
/// # let genesys = GenesysLayer::new(&org).layer(mock.http_client());
/// # let pager = Pager::new(&org, genesys);
/// let jobs = "/api/v2/analytics/conversations/details/jobs";
/// let query = json!({ "interval": mock.interval() });
/// let mut pages = pager.post(jobs, query).pages::<Value>();
///
/// let end = async {
///     mock.wait_for(DETAILS_JOBS, 1).await;
///     tokio::task::yield_now().await; // the job has started
///     mock.end_jobs(JobEnd::Cancelled);
/// };
/// let (page, ()) = tokio::join!(pages.next(), end);
/// let error = page.expect("an item").unwrap_err();
/// assert_eq!(error.kind(), PageErrorKind::JobCancelled);
/// # Ok(())
/// # }
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

/// The jobs of details queries, by id.
#[derive(Default)]
pub(in crate::testing) struct Jobs(pub(super) HashMap<String, Job>);

/// A job, whose polls decide its state.
pub(super) struct Job {
    /// In milliseconds since 1970.
    pub(super) interval: Range<i64>,
    /// Whether the newest conversations come first.
    pub(super) descending: bool,
    /// The polls of its state so far.
    pub(super) polls: usize,
    /// How a test has ended it.
    pub(super) end: Option<JobEnd>,
    /// When it was started, in milliseconds since 1970.
    pub(super) submitted: i64,
    /// When the job ended, in any state.
    pub(super) completed: Option<i64>,
}

impl Job {
    /// Returns its state, in the API's words.
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

/// The users of the organisation.
pub(in crate::testing) struct Users {
    /// In the order of their creation, deleted ones included.
    pub(super) all: Vec<User>,
    /// How many of them requests have created.
    pub(super) created: usize,
    /// The user of tokens from a login. No list contains it.
    pub(super) me: User,
}

/// A user.
pub(super) struct User {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) email: String,
    pub(super) state: &'static str,
    /// Rises with each change; a change must name it.
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

    /// Returns whether a filter by state finds the user.
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

    /// Finds a user by its id, the logged-in one included.
    pub(super) fn find(&mut self, id: &str) -> Option<&mut User> {
        let mut all = self.all.iter_mut().chain([&mut self.me]);
        all.find(|user| user.id == id)
    }
}
