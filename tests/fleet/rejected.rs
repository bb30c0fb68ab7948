use crate::setup::Fleet;

#[tokio::test]
async fn a_token_that_fifty_processes_see_refused_is_replaced_by_one_request() {
    let mut fleet = Fleet::of(50).await;
    assert_eq!((fleet.tokens().await.len(), fleet.posts()), (1, 1));

    fleet.mock.revoke_all();
    fleet.all_call().await;
    assert_eq!(fleet.posts(), 2);
    assert_eq!((fleet.tokens().await.len(), fleet.posts()), (1, 2));

    // Answers to requests that were sent before come late.
    let late = fleet.all("report 0").await;
    assert!(late.iter().all(|answer| answer == "Superseded"), "{late:?}");
    fleet.all_call().await;
    assert_eq!((fleet.tokens().await.len(), fleet.posts()), (1, 2));
}

#[tokio::test]
async fn one_who_hears_of_it_after_the_others_takes_what_they_have() {
    let mut fleet = Fleet::of(3).await;
    assert_eq!(fleet.tokens().await.len(), 1);
    fleet.mock.revoke_all();
    for process in &mut fleet.processes {
        process.call().await.assert_ok();
    }
    assert_eq!((fleet.tokens().await.len(), fleet.posts()), (1, 2));
}
