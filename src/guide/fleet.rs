//! One token for a whole fleet of processes, on Redis or Valkey.
//!
//! ```no_run
//! mod process {
#![doc = include_str!("../../examples/fleet/process.rs")]
//! }
//! # const MOCK: &str = "";
//! # fn main() {}
//! ```
//!
//! - **One line**: [`OrgBuilder::share`](crate::genesys::OrgBuilder::share). Layers and callers know nothing of it, and a
//!   request whose token is at hand asks no store.
//! - **One request for a token**, by whichever process comes first; the others take what it gets. When it is killed, another
//!   one takes over as soon as its lease is over, and nobody waits for that while the token is valid.
//! - **Sealed**: with the keys in `GENESYS_STORE_KEYS` ([`KeyRing`](crate::store::KeyRing)), who reads the server has no token.
//! - **Without the server** each process gets tokens of its own, seldom, and comes back to the others when it is there again.
//! - **Which server, which rights, what it costs**: [operating](super::operating#the-shared-store).
//!
//! `cargo run --example fleet` starts five such processes over a mock, and kills one while it renews. With `REDIS_URL` it uses
//! that server, otherwise one that it starts.
