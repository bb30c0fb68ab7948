use crate::{
    process::Process,
    setup::{Fleet, NEW, OLD},
};

/// Replaces all processes, one after the other, with processes that have these
/// keys.
async fn deploy(fleet: &mut Fleet, keys: &str) {
    fleet.settings = fleet.settings.with_keys(keys);
    for at in 0..fleet.processes.len() {
        let mut next = Process::start(&fleet.settings).await;
        next.call().await.assert_ok();
        next.ask("start").await;
        let mut old = std::mem::replace(&mut fleet.processes[at], next);
        old.stop_traffic().await;
    }
}

#[tokio::test]
async fn a_key_rotation_in_steps_costs_no_request() {
    let mut fleet = Fleet::of(3).await;
    fleet.all("start").await;
    assert_eq!(fleet.tokens().await.len(), 1);
    deploy(&mut fleet, &format!("{OLD},{NEW}")).await;
    deploy(&mut fleet, &format!("{NEW},{OLD}")).await;
    assert_eq!((fleet.tokens().await.len(), fleet.posts()), (1, 1));

    fleet.mock.revoke_all();
    fleet.all_call().await;
    assert_eq!((fleet.tokens().await.len(), fleet.posts()), (1, 2));
    deploy(&mut fleet, NEW).await;
    assert_eq!((fleet.tokens().await.len(), fleet.posts()), (1, 2));
    fleet.stop_traffic().await;
}

#[tokio::test]
async fn a_key_rotation_in_one_step_costs_one_request() {
    let mut fleet = Fleet::of(3).await;
    fleet.all("start").await;
    assert_eq!(fleet.tokens().await.len(), 1);
    deploy(&mut fleet, NEW).await;
    assert_eq!((fleet.tokens().await.len(), fleet.posts()), (1, 2));
    let events = fleet.processes[0].events().await;
    assert!(events.contains(&"missed:corrupt".to_owned()), "{events:?}");
    fleet.stop_traffic().await;
}
