use crate::setup::Fleet;

fn token_key(fleet: &Fleet) -> String {
    let keys = fleet.redis.keys();
    let key = keys.iter().find(|key| key.ends_with(":token"));
    key.expect("a token").clone()
}

/// Everything, as by `FLUSHALL` or a failover to an empty replica.
#[tokio::test]
async fn what_a_server_forgets_costs_one_request_at_most_and_fences_go_on() {
    let mut fleet = Fleet::of(4).await;
    fleet.all("start").await;
    assert_eq!(fleet.tokens().await.len(), 1);
    let before = fleet.leader().await;
    let before = fleet.processes[before].fences().await[0];

    fleet.redis.run::<()>(&["FLUSHALL"]);
    // They have their token, and ask for nothing.
    assert_eq!((fleet.tokens().await.len(), fleet.posts()), (1, 1));
    fleet.add(1).await;
    let mut new = fleet.processes.pop().unwrap();
    new.call().await.assert_ok();
    assert_eq!(fleet.posts(), 2);
    let after = new.fences().await[0];
    assert!(after > before, "{after} after {before}");

    fleet.redis.run::<()>(&["FLUSHALL"]);
    fleet.mock.revoke_all();
    fleet.all_call().await;
    assert_eq!((fleet.tokens().await.len(), fleet.posts()), (1, 3));
    let last = fleet.leader().await;
    let mut last = fleet.processes[last].fences().await;
    for process in &mut fleet.processes {
        last.extend(process.fences().await);
    }
    assert!(last.into_iter().max() > Some(after));
    fleet.stop_traffic().await;
}

/// What came last is lost, and what was there before is back, as by a failover
/// to a replica that lags behind.
#[tokio::test]
async fn a_refused_token_that_comes_back_is_sent_by_nobody_who_knows_it() {
    let mut fleet = Fleet::of(3).await;
    assert_eq!(fleet.tokens().await.len(), 1);
    let key = token_key(&fleet);
    let refused: Vec<u8> = fleet.redis.run(&["DUMP", &key]);
    fleet.mock.revoke_all();
    fleet.all_call().await;
    assert_eq!((fleet.tokens().await.len(), fleet.posts()), (1, 2));

    let [restore, life, replace] = ["RESTORE", "86400000", "REPLACE"].map(str::as_bytes);
    fleet.redis.run::<()>(&["DEL", &key]);
    fleet
        .redis
        .run::<()>(&[restore, key.as_bytes(), life, &refused, replace]);
    let refusals = fleet.refusals();
    fleet.all_call().await;
    assert_eq!((fleet.posts(), fleet.refusals()), (2, refusals));

    // Also when they need another one: the old one is there, and nobody takes
    // it.
    fleet.mock.revoke_all();
    fleet.all_call().await;
    assert_eq!((fleet.tokens().await.len(), fleet.posts()), (1, 3));
    assert_eq!(fleet.refusals(), refusals + 3, "one for each process");
}
