use crate::{
    process::Answer,
    setup::{Fleet, seconds},
};

/// The leader is frozen after its token has arrived and before it publishes the
/// token. It thaws when another process has a newer token.
#[tokio::test]
async fn a_leader_that_was_frozen_past_its_lease_takes_the_token_of_the_winner() {
    let mut fleet = Fleet::of(0).await;
    fleet.settings = fleet.settings.with_lease(seconds(1));
    fleet.add(2).await;
    let mut winner = fleet.processes.pop().unwrap();
    let mut frozen = fleet.processes.pop().unwrap();

    frozen.ask("freeze").await;
    let waiting = frozen.tell("get").await;
    fleet.mock.wait_for(tower_genesys::testing::TOKEN, 1).await;
    let won = winner.get().await;
    assert!(won.took < seconds(2), "longer than the lease: {won:?}");
    assert_eq!(fleet.posts(), 2);

    frozen.thaw();
    let woken = Answer::parse(&waiting.await);
    let (events, winners) = (frozen.events().await, winner.events().await);
    assert_eq!(
        woken.token(),
        won.token(),
        "{events:?}; the winner: {winners:?}"
    );
    assert!(
        events.iter().any(|event| event == "superseded"),
        "{events:?}"
    );
    assert!(
        !events.iter().any(|event| event == "published"),
        "{events:?}"
    );
    fleet.add(1).await;
    assert_eq!(fleet.processes[0].get().await.token(), won.token());
    assert_eq!(fleet.posts(), 2);
}
