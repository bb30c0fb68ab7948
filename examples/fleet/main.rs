//! Five processes, one token, and one that is killed while it renews: `cargo run --example fleet`
//!
//! With `REDIS_URL` set it uses that server, otherwise it starts a `redis-server` of its own.

mod fleet;
mod process;
mod redis;

use std::{env, time::Duration};

use fleet::Fleet;
use redis::Redis;
use tower_genesys::{
    BoxError,
    testing::{MockGenesys, TOKEN},
};

/// Where the mock is that stands for Genesys Cloud; set in the processes of the fleet only.
const MOCK: &str = "FLEET_EXAMPLE_MOCK";
const PROCESSES: usize = 5;

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    if env::var_os(MOCK).is_some() {
        return process::run().await;
    }
    // Whatever it has started ends with it, also when it is told to stop.
    tokio::select! {
        shown = show() => shown,
        stopped = is_stopped() => stopped,
    }
}

async fn show() -> Result<(), BoxError> {
    let redis = Redis::find_or_start().await?;
    let life = Duration::from_secs(6); // a day, with the real one
    let mock = MockGenesys::builder().token_lifetime(life).build();
    let server = mock.serve().await?;

    println!("{PROCESSES} processes start:");
    let mut fleet = Fleet::start(PROCESSES, &redis.url, &mock, &server)?;
    fleet.wait_until_adopted(PROCESSES - 1).await?;
    println!("{} token request for all", mock.token_posts());
    assert_eq!(mock.token_posts(), 1);

    // Ahead of its end, the token is renewed, by one of them.
    let held = mock.hold(TOKEN);
    let leader = fleet.wait_for("leased").await?;
    mock.wait_for(TOKEN, 2).await;
    if let Some(mut process) = fleet.processes.remove(&leader) {
        process.kill().await?;
    }
    println!("process {leader} was killed while it renewed; when its lease is over:");
    held.release();
    fleet.wait_until_adopted(PROCESSES - 2).await?;
    println!("one more request, for the {} that are left", PROCESSES - 1);
    assert_eq!(mock.token_posts(), 3);

    println!("the next renewal:");
    fleet.wait_until_adopted(PROCESSES - 2).await?;
    assert_eq!(mock.token_posts(), 4);
    assert!(fleet.all_live()?, "no request of theirs has failed");
    println!(
        "{} requests to the API without an error, 4 token requests: one a renewal, and the one that was lost",
        mock.api_calls()
    );
    Ok(())
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
