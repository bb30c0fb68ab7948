use std::{env, future::pending, process::Stdio};

use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, BufReader},
    process::Command,
    time::timeout,
};

use crate::{
    fixtures::child_process::{only, program},
    setup::{Fleet, seconds},
};

const IS_KILLED: &str = "TOWER_GENESYS_TEST_KILLED";
const UP: &str = ">> up";

/// A test runner may kill a test, so that no destructor runs. The server and
/// the processes still end.
#[tokio::test]
async fn a_test_that_is_killed_leaves_no_process_behind() {
    if env::var_os(IS_KILLED).is_some() {
        let mut fleet = Fleet::of(2).await;
        fleet.all_call().await;
        println!("\n{UP}");
        return pending().await;
    }
    let mut test = Command::new(program())
        .args(only(a_test_that_is_killed_leaves_no_process_behind))
        .env(IS_KILLED, "yes")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(test.stdout.take().unwrap()).lines();
    while lines.next_line().await.unwrap().expect("it comes up") != UP {}
    test.kill().await.unwrap();

    // All of them inherit this pipe, and the last one to end closes it.
    let mut written = Vec::new();
    let mut errors = test.stderr.take().unwrap();
    let closed = timeout(seconds(20), errors.read_to_end(&mut written)).await;
    closed.expect("all have ended").unwrap();
}
