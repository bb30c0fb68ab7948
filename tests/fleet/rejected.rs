use tower_genesys::testing::TOKEN;

use crate::{
    process::Answer,
    setup::{Fleet, seconds},
};

#[tokio::test]
async fn a_token_that_fifty_processes_see_refused_is_replaced_by_one_request() {
    let mut fleet = Fleet::of(50).await;
    assert_eq!((fleet.tokens().await.len(), fleet.posts()), (1, 1));

    fleet.mock.revoke_all();
    fleet.all_call().await;
    assert_eq!(fleet.posts(), 2);
    assert_eq!((fleet.tokens().await.len(), fleet.posts()), (1, 2));

    // Reports about the old token come late.
    let late = fleet.all("report 0").await;
    assert!(late.iter().all(|answer| answer == "Superseded"), "{late:?}");
    fleet.all_call().await;
    assert_eq!((fleet.tokens().await.len(), fleet.posts()), (1, 2));
}

#[tokio::test]
async fn a_process_that_learns_of_the_refusal_later_takes_the_new_token() {
    let mut fleet = Fleet::of(3).await;
    assert_eq!(fleet.tokens().await.len(), 1);
    // The first to learn of it is not the process that got the token. The lease
    // of that one delays no other.
    let leader = fleet.leader().await;
    fleet.processes.rotate_left(leader + 1);
    fleet.mock.revoke_all();
    for process in &mut fleet.processes {
        let called = process.call().await;
        called.assert_ok();
        assert!(called.took < seconds(2), "{called:?}");
    }
    assert_eq!((fleet.tokens().await.len(), fleet.posts()), (1, 2));
}

/// The store loses the token. Then the token endpoint issues the same token
/// again, and the store gives it a newer fence.
#[tokio::test]
async fn a_refused_token_is_refused_under_any_fence() {
    let mut fleet = Fleet::of(2).await;
    let token = fleet.tokens().await.pop_first().unwrap();
    fleet.redis.run::<()>(&["FLUSHALL"]);
    let again = format!(r#"{{"access_token":"{token}","token_type":"bearer","expires_in":86399}}"#);
    fleet.mock.on(TOKEN).nth(2).reply_token_json(again);
    fleet.add(1).await;
    assert_eq!((fleet.tokens().await.len(), fleet.posts()), (1, 2));

    assert!(fleet.mock.revoke(&token));
    for process in &mut fleet.processes {
        process.call().await.assert_ok();
    }
    assert_eq!((fleet.tokens().await.len(), fleet.posts()), (1, 3));
}

/// Operators do this after a sealing key has leaked, or after granting a role.
#[tokio::test]
async fn after_one_process_revokes_the_token_all_share_another_from_one_request() {
    let mut fleet = Fleet::of(5).await;
    let before = fleet.tokens().await;
    let revoked = fleet.processes[0].ask("revoke").await;
    assert!(Answer::parse(&revoked).text.starts_with('2'), "{revoked}");
    fleet.all_call().await;
    let after = fleet.tokens().await;
    assert_eq!((after.len(), fleet.posts()), (1, 2));
    assert!(after.is_disjoint(&before));
}
