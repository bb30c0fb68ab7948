//! Real processes. Each is a child that runs [`one_process`].

use std::{env, process::Stdio};

use secrecy::ExposeSecret;
use tower_genesys::{
    Credentials, Region,
    client::ClientBuilder,
    genesys::{grants::RefreshToken, login_file::LoginFile},
    testing::{MockGenesys, MockServer, TOKEN},
    token::TokenErrorKind,
};

use crate::{
    fixtures::{
        child_process,
        running_child::{Running, say, wait_for_go},
    },
    setup::*,
};

const ROLE: &str = "LOGIN_FILE_ROLE";
const FILE: &str = "LOGIN_FILE";

/// The work of a child process. As a test, it does nothing.
#[tokio::test]
async fn one_process() {
    let Ok(role) = env::var(ROLE) else { return };
    let file = LoginFile::unsealed(env::var(FILE).unwrap()).unwrap();
    match &*role {
        "renew" => renew(&file).await,
        "for ever" => renew_for_ever(&file).await,
        other => panic!("{other}"),
    }
}

/// Reads the file, and renews the login on command.
async fn renew(file: &LoginFile) {
    let variable = |name| env::var(name).unwrap();
    let token = file.read().unwrap().expect("a login").into_token();
    say("read");
    wait_for_go();
    let client = ClientBuilder::new().allow_loopback().build().unwrap();
    let region = Region::custom(&variable("LOGIN"), &variable("API")).unwrap();
    let credentials = Credentials::new(variable("ID"), variable("SECRET")).unwrap();
    let source = RefreshToken::<_, _, Body>::new(region, credentials, token, client)
        .with_store(file.clone());
    match fetch(&source).await {
        Ok(_) => say("renewed"),
        Err(error) => say(format_args!("{:?}", error.kind())),
    }
}

/// Renews the login at its own Genesys Cloud until it is killed.
async fn renew_for_ever(file: &LoginFile) {
    let mock = MockGenesys::new();
    log_in(&mock, file).await;
    let source = next_process(&mock, file);
    say("writing");
    loop {
        fetch(&source).await.unwrap();
    }
}

fn start(role: &str, place: &Place, variables: &[(&str, String)]) -> Running {
    let mut command = child_process::command(one_process);
    command
        .env(ROLE, role)
        .env(FILE, place.path())
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    Running::start(&mut command)
}

/// Starts a process that renews the login at this server.
fn renewing(place: &Place, mock: &MockGenesys, server: &MockServer) -> Running {
    let region = server.region();
    let variables = [
        ("LOGIN", region.login_base().to_string()),
        ("API", region.api_base().to_string()),
        ("ID", mock.client_id()),
        ("SECRET", mock.client_secret()),
    ];
    start("renew", place, &variables)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_six_processes_with_one_refresh_token_one_sends_it() {
    let (place, mock) = (Place::new(), MockGenesys::new());
    let file = place.logged_in(&mock).await;
    let before = stored(&file);
    let server = mock.serve().await.unwrap();
    let held = mock.hold(TOKEN);
    let mut all: Vec<_> = (0..6).map(|_| renewing(&place, &mock, &server)).collect();
    for process in &mut all {
        assert_eq!(process.says(), "read");
    }
    all.iter_mut().for_each(Running::go);
    mock.wait_for(TOKEN, 2).await;
    let (said, mut answers) = tokio::sync::mpsc::unbounded_channel();
    for mut process in all {
        let said = said.clone();
        std::thread::spawn(move || said.send(process.says()));
    }
    for _ in 0..5 {
        assert_eq!(answers.recv().await.unwrap(), "LoginRequired");
    }
    drop(held);
    assert_eq!(answers.recv().await.unwrap(), "renewed");
    assert_eq!(mock.token_posts(), 2);
    assert_eq!(sent(&mock)[1], before);

    // The next refresh token is in the file.
    fetch(&next_process(&mock, &file)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_killed_during_a_renewal_leaves_a_mark_and_no_token_is_sent_twice() {
    let (place, mock) = (Place::new(), MockGenesys::new());
    let file = place.logged_in(&mock).await;
    let token = stored(&file);
    let server = mock.serve().await.unwrap();
    let held = mock.hold(TOKEN);
    let mut process = renewing(&place, &mock, &server);
    assert_eq!(process.says(), "read");
    process.go();
    mock.wait_for(TOKEN, 2).await;
    process.kill();
    drop(held);

    let login = file.read().unwrap().unwrap();
    assert!(login.is_in_use());
    assert_eq!(login.clone().into_token().expose_secret(), token);
    let error = fetch(&refreshing(&mock, token, &file)).await.unwrap_err();
    assert_eq!(error.kind(), TokenErrorKind::LoginRequired);
    assert_eq!(mock.token_posts(), 2);

    // A new login replaces the marked one.
    log_in(&mock, &file).await;
    fetch(&next_process(&mock, &file)).await.unwrap();
}

#[tokio::test]
async fn no_reader_sees_half_a_file_while_writers_are_killed() {
    let place = Place::new();
    let file = place.file();
    for round in 0..20 {
        let mut writer = start("for ever", &place, &[]);
        assert_eq!(writer.says(), "writing");
        // After more reads each time, so that the writer is killed at another
        // point of its work.
        for _ in 0..10 * round {
            file.read().unwrap().expect("a login");
        }
        writer.kill();
        file.read().unwrap().expect("a login");
        let names = place.names();
        assert!(names.len() <= 3, "{names:?}");
    }
    log_in(&MockGenesys::new(), &file).await;
    assert_eq!(place.names(), ["login", "login.lock"]);
}
