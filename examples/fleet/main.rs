//! Five processes share one token, and one of them is killed while it renews.
//! Three processes share one limit, and their Redis is killed.
//!
//! ```text
//! cargo run --example fleet
//! ```
//!
//! If `REDIS_URL` is set, it uses that server and never stops it. Otherwise, it
//! starts a `redis-server`. It ends with an error if a call has failed or the
//! limit was overrun.

mod fleet;
mod limit;
mod limited;
mod process;
mod redis;
mod table;
mod token;

use std::env;

use tower_genesys::BoxError;

/// The URL of the mock that takes the place of Genesys Cloud. Only the
/// processes of the fleet have this variable.
const MOCK: &str = "FLEET_EXAMPLE_MOCK";
/// The role of a process of the fleet: one of the three below.
const ROLE: &str = "FLEET_EXAMPLE_ROLE";
const RENEWS: &str = "renews";
const BATCH: &str = "batch";
const INTERACTIVE: &str = "interactive";

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    if let Ok(role) = env::var(ROLE) {
        return match &*role {
            RENEWS => process::run().await,
            role => limited::run(role == BATCH).await,
        };
    }
    // All processes that it has started end with it, even if it is stopped.
    tokio::select! {
        shown = show() => shown,
        stopped = is_stopped() => stopped,
    }
}

async fn show() -> Result<(), BoxError> {
    token::show().await?;
    limit::show().await
}

/// Waits for Ctrl-C, or for the signal of a service manager.
async fn is_stopped() -> Result<(), BoxError> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => interrupted?,
            _ = terminate.recv() => {}
        }
    }
    #[cfg(not(unix))]
    tokio::signal::ctrl_c().await?;
    Err("stopped before the end".into())
}
