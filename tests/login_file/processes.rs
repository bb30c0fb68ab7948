//! Real processes: each is this test binary, running [`one_process`] alone.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    process::Stdio,
};

use secrecy::ExposeSecret;
use tokio::time::{Duration, sleep};
use tower_genesys::{
    Credentials, Region,
    client::ClientBuilder,
    genesys::{grants::RefreshToken, login_file::LoginFile},
    testing::{MockGenesys, MockServer, TOKEN},
    token::TokenErrorKind,
};

use crate::{
    fixtures::{child_process, running_child::Running},
    setup::*,
};

const ROLE: &str = "LOGIN_FILE_ROLE";
const FILE: &str = "LOGIN_FILE";
const SAYS: &str = "says: ";

/// What a child process does. By itself, it does nothing.
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

fn say(what: &str) {
    println!("\n{SAYS}{what}");
}

/// Reads the file, and renews as soon as it is told to.
async fn renew(file: &LoginFile) {
    let variable = |name| env::var(name).unwrap();
    let token = file.read().unwrap().expect("a login").into_token();
    say("read");
    std::io::stdin().read_line(&mut String::new()).unwrap();
    let client = ClientBuilder::new().allow_loopback().build().unwrap();
    let region = Region::custom(&variable("LOGIN"), &variable("API")).unwrap();
    let credentials = Credentials::new(variable("ID"), variable("SECRET")).unwrap();
    let source = RefreshToken::<_, _, Body>::new(region, credentials, token, client)
        .with_store(file.clone());
    match fetch(&source).await {
        Ok(_) => say("renewed"),
        Err(error) => say(&format!("{:?}", error.kind())),
    }
}

/// With a Genesys Cloud of its own.
async fn renew_for_ever(file: &LoginFile) {
    let mock = MockGenesys::new();
    log_in(&mock, file).await;
    let source = next_process(&mock, file);
    say("writing");
    loop {
        fetch(&source).await.unwrap();
    }
}

/// Ends with the test.
struct Process(Running);

impl Process {
    fn start(role: &str, place: &Place, variables: &[(&str, String)]) -> Self {
        let mut command = child_process::command(one_process);
        command
            .env(ROLE, role)
            .env(FILE, place.path())
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        Self(Running::start(&mut command))
    }

    /// One that renews at this server.
    fn renewing(place: &Place, mock: &MockGenesys, server: &MockServer) -> Self {
        Self::start(
            "renew",
            place,
            &[
                ("LOGIN", server.region().login_base().to_string()),
                ("API", server.region().api_base().to_string()),
                ("ID", mock.client_id()),
                ("SECRET", mock.client_secret()),
            ],
        )
    }

    /// Waits for what it says next.
    fn says(&mut self) -> String {
        let mut output = BufReader::with_capacity(1, self.0.child.stdout.as_mut().unwrap());
        loop {
            let mut line = String::new();
            assert_ne!(output.read_line(&mut line).unwrap(), 0, "it ended silently");
            if let Some(said) = line.trim_end().strip_prefix(SAYS) {
                return said.to_owned();
            }
        }
    }

    fn go(&mut self) {
        let input = self.0.child.stdin.as_mut().unwrap();
        input.write_all(b"go\n").unwrap();
    }

    /// SIGKILL.
    fn kill(&mut self) {
        self.0.kill();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_six_processes_with_one_refresh_token_one_sends_it() {
    let (place, mock) = (Place::new(), MockGenesys::new());
    let file = place.logged_in(&mock).await;
    let before = stored(&file);
    let server = mock.serve().await.unwrap();
    let held = mock.hold(TOKEN);
    let mut all: Vec<_> = (0..6)
        .map(|_| Process::renewing(&place, &mock, &server))
        .collect();
    for process in &mut all {
        assert_eq!(process.says(), "read");
    }
    all.iter_mut().for_each(Process::go);
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

    // The others could renew by the next one.
    fetch(&next_process(&mock, &file)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_before_its_answer_leaves_a_mark_and_nothing_is_sent_twice() {
    let (place, mock) = (Place::new(), MockGenesys::new());
    let file = place.logged_in(&mock).await;
    let token = stored(&file);
    let server = mock.serve().await.unwrap();
    let held = mock.hold(TOKEN);
    let mut process = Process::renewing(&place, &mock, &server);
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

    // The next login is as good as the first one.
    log_in(&mock, &file).await;
    fetch(&next_process(&mock, &file)).await.unwrap();
}

#[tokio::test]
async fn no_reader_sees_half_a_file_while_writers_are_killed() {
    let place = Place::new();
    let file = place.file();
    for round in 0..20 {
        let mut writer = Process::start("for ever", &place, &[]);
        assert_eq!(writer.says(), "writing");
        // Somewhere else in what it does each time.
        for _ in 0..round {
            file.read().unwrap().expect("a login");
            sleep(Duration::from_micros(370)).await;
        }
        writer.kill();
        file.read().unwrap().expect("a login");
        let names = place.names();
        assert!(names.len() <= 3, "{names:?}");
    }
    log_in(&MockGenesys::new(), &file).await;
    assert_eq!(place.names(), ["login", "login.lock"]);
}
