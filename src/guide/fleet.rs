//! One token and one rate limit for a fleet of processes, on Redis or Valkey.
//!
//! # One token
//!
//! ```no_run
//! mod process {
#![doc = include_str!("../../examples/fleet/process.rs")]
//! }
//! # const MOCK: &str = "";
//! # fn main() {}
//! ```
//!
//! - **One line**: [`OrgBuilder::share`](crate::genesys::OrgBuilder::share).
//!   Layers and callers know nothing of it, and a call whose token is at hand
//!   makes no store operation.
//! - **One request for a token**: the first process that needs a token requests
//!   it, and the others use the token that it gets. If that process is killed,
//!   another takes over when its lease ends. Calls wait for the takeover only
//!   if they have no valid token: at the start, after a 401, or if the old
//!   token has expired.
//! - **Sealed**: tokens are encrypted with the keys in `GENESYS_STORE_KEYS`
//!   ([`KeyRing`](crate::store::KeyRing)), so anyone who can read the data of
//!   the Redis server finds no usable token.
//! - **Without Redis** each process fetches its own tokens, as few as possible,
//!   and returns to the shared token when Redis is back.
//! - **Which Redis, which rights, what it costs**:
//!   [operating](super::operating#the-shared-store).
//!
//! # One limit
//!
//! Processes that use the same OAuth client share its limit of requests a
//! minute. Alone, each process learns of the limit from its own 429s, and
//! interactive processes wait for batch jobs. With
//! [`OrgBuilder::shared_limit`](crate::genesys::OrgBuilder::shared_limit), they
//! reserve *slots* in a [book](crate::store::book) in a store. Each slot is the
//! right of one process to send one request at a certain time, or up to 0.9
//! seconds later. The processes need not share a token for that.
//!
//! ![Sends of two batch jobs and an interactive process: a burst, then an even
//! pace, the same without Redis][picture-fleet-limit]
//!
//! Each mark in the picture is a send. Each job has ten requests in flight at
//! all times, and wants far more than the limit. At the start, a quarter of the
//! limit (the *burst*) is sent at once. From then on, the three processes send
//! at an even pace together. While Redis is down, each process keeps to a third
//! of the limit. Redis comes back with nothing in it, and the processes share a
//! new book, without a burst. Genesys sends no 429, and no call fails.
//!
//! ```no_run
//! # mod process {
//! #     pub(crate) fn region() -> Result<tower_genesys::Region, tower_genesys::BoxError> {
//! #         Ok(tower_genesys::Region::custom("", "")?)
//! #     }
//! # }
//! mod limited {
#![doc = include_str!("../../examples/fleet/limited.rs")]
//! }
//! # fn main() {}
//! ```
//!
//! | question | answer |
//! |---|---|
//! | Which limit? | the one that Genesys grants the client: 300 requests a minute, unless a support case has raised it. State the same one in each process, with [`Limit::per_minute`](crate::store::Limit::per_minute): the lowest limit that a process states applies to all |
//! | And if I do not know it? | [`Limit::learned`](crate::store::Limit::learned) sends at full speed until a 429 names the limit. That costs one 429 for each request in flight, once |
//! | How many processes? | any number. Active processes that want more slots than there are get equal numbers of them. A process that wants few waits for two seconds at most, unless there are more active processes than slots in two seconds |
//! | Too many processes? | if the number of processes exceeds the limit (more than 300 processes, with 300 requests a minute), each gets less than one slot a minute. Fewer processes with more requests in flight do the same work |
//! | Which burst? | with the default, a quarter of the limit may go at once after a pause, so a job of 75 requests is not slowed. Set more only for a batch tool that has the limit to itself: [`Limit::with_burst`](crate::store::Limit::with_burst) |
//! | One process, no store? | [`process_limit`](crate::genesys::OrgBuilder::process_limit) |
//! | A store without a book, such as a `FileStore`? | divide the limit among the processes, with `process_limit`. Or keep the tokens in that store, and the book in Redis |
//! | Which rights? | those in the line for a limit, under [Rights](crate::store::redis#rights) on the page of the store. [`check_limit`](crate::store::redis::RedisStore::check_limit) names the missing ones |
//! | What does it cost? | no store operation while the process has a slot, and otherwise one for several slots. The fleet never makes more operations than sends |
//!
//! # What an operator sees
//!
//! | when | in logs and [`LimitEvent`](crate::store::book::LimitEvent)s | in metrics |
//! |---|---|---|
//! | the fleet wants more than the limit | one warning with `waiting_began`, then `waited` for each send that waited | `tower_genesys_limit_wait_seconds` grows; `tower_genesys_limit_slots_total` grows by the limit each minute |
//! | Redis is out of reach | `failed` and `went_alone` from each process that needs a slot | `tower_genesys_limit_alone` is 1 |
//! | Redis is back | `rejoined` from each process that sends, within 12 seconds | `tower_genesys_limit_alone` is 0 |
//! | another program uses the OAuth client | `refused`, although a limit is stated | `tower_genesys_limit_events_total{event="refused"}` grows |
//! | processes state different limits | `lowered` from each process that states more than the lowest | `tower_genesys_limit_requests_per_minute` shows the lowest |
//!
//! After an outage, or after the store has lost its data, up to 1.35 times the
//! limit may be sent within 60 seconds, once after each such event. What to do
//! in each case of the table is in
//! [operating](super::operating#the-shared-limit).
//!
//! `cargo run --all-features --example fleet` starts five processes that share
//! one token and call a mock of Genesys, and kills one while it renews the
//! token. Then it starts the three processes of the picture, kills Redis and
//! starts it again. It prints:
//!
//! ```text
//!                                   with Redis      Redis killed   back, and empty
//! seconds                                  7.0              13.5               7.0
//! requests                                 101                71                33
//! requests a second                       14.4               5.3               4.7
//! 429s                                       0                 0                 0
//! failed calls                               0                 0                 0
//! interactive waits, p50                 0.0 s             0.4 s             0.0 s
//! interactive waits, p95                 1.0 s             1.0 s             1.2 s
//! mode                                one book      3 of 3 alone          one book
//! 205 of 300 requests in less than a minute
//! ```
//!
//! The last line says that 205 requests were sent in less than a minute; the
//! limit allows 300 a minute. With `REDIS_URL` the example uses that server and
//! never kills it, otherwise it starts its own.
#![doc = ""]
#![doc = concat!("[picture-fleet-limit]: ", include_str!("../../docs/pictures/fleet_limit.uri"))]
