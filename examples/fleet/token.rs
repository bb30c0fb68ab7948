use std::time::Duration;

use tower_genesys::{
    BoxError,
    testing::{MockGenesys, TOKEN},
};

use crate::{RENEWS, fleet::Fleet, redis::Redis};

const PROCESSES: usize = 5;

/// One token for all processes, of which one is killed.
pub(crate) async fn show() -> Result<(), BoxError> {
    let redis = Redis::find_or_start().await?;
    let life = Duration::from_secs(6); // a day, with the real one
    let mock = MockGenesys::builder().token_lifetime(life).build();
    let server = mock.serve().await?;

    println!("{PROCESSES} processes start:");
    let mut fleet = Fleet::start(&[RENEWS; PROCESSES], &redis, &mock, &server)?;
    fleet.wait_until_adopted(PROCESSES - 1).await?;
    println!("{} token request for all", mock.token_posts());
    assert_eq!(mock.token_posts(), 1);

    // One of them renews the token ahead of its end.
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
    assert!(fleet.all_live()?, "no request has failed");
    println!(
        "{} requests to the API without an error, 4 token requests: one a renewal, and the one that was lost",
        mock.api_calls()
    );
    Ok(())
}
