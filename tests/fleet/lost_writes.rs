use crate::setup::Fleet;

/// The server loses all data, as after a failover to an empty replica.
#[tokio::test]
async fn a_server_that_loses_all_data_costs_one_request_and_fences_still_grow() {
    let mut fleet = Fleet::of(4).await;
    fleet.all("start").await;
    assert_eq!(fleet.tokens().await.len(), 1);
    let before = fleet.leader().await;
    let before = fleet.processes[before].fences().await[0];

    fleet.redis.run::<()>(&["FLUSHALL"]);
    // The processes have their token, and request none.
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

/// The server loses the last writes, as after a failover to a replica that lags
/// behind. So the token from before is back.
#[tokio::test]
async fn a_refused_token_that_comes_back_is_not_sent_by_a_process_that_knows_it() {
    let mut fleet = Fleet::of(3).await;
    assert_eq!(fleet.tokens().await.len(), 1);
    let key = fleet.token_key();
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

    // When they need another token, the old one is in the store, and none takes
    // it.
    fleet.mock.revoke_all();
    fleet.all_call().await;
    assert_eq!((fleet.tokens().await.len(), fleet.posts()), (1, 3));
    assert_eq!(fleet.refusals(), refusals + 3, "one for each process");
}
