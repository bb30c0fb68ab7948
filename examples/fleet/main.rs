//! Five processes with one token, of which one is killed while it renews; and
//! three processes with one limit, whose Redis is killed:
//! `cargo run --example fleet`
//!
//! With `REDIS_URL` set it uses that server and leaves it alone, otherwise it
//! starts a `redis-server` of its own. It ends with an error if a call has
//! failed or the limit was overrun.

mod fleet;
mod limit;
mod limited;
mod process;
mod redis;
mod table;
mod token;

use std::env;

use tower_genesys::BoxError;

/// Where the mock is that stands for Genesys Cloud; set in the processes of the
/// fleet only.
const MOCK: &str = "FLEET_EXAMPLE_MOCK";
/// What a process of the fleet does: one of the three below.
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
    // Whatever it has started ends with it, also when it is told to stop.
    tokio::select! {
        shown = show() => shown,
        stopped = is_stopped() => stopped,
    }
}

async fn show() -> Result<(), BoxError> {
    token::show().await?;
    limit::show().await
}

/// By Ctrl-C, or as a service manager does it.
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
