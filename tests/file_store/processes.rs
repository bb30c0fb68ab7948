//! Real processes at once: each is this test binary, running [`one_process`]
//! alone.

use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::{Duration, SystemTime},
};

use bytes::Bytes;
use fs4::FileExt;
use http_body_util::Full;
use tokio::time::Instant;
use tower_genesys::{
    Credentials, Org, Region, Sharing,
    client::ClientBuilder,
    store::{Fence, Lookup, TokenStore, file::FileStore},
    testing::MockGenesys,
};

use crate::{
    fixtures::{
        child_process::{self, program},
        running_child::Running,
    },
    setup::*,
};

const ROLE: &str = "FILE_STORE_ROLE";
const DIRECTORY: &str = "FILE_STORE_DIRECTORY";
const AT: &str = "FILE_STORE_AT";
const ANSWER: &str = "answer: ";

/// What a child process does, by the environment that [`command`] gives it. By
/// itself, it asks once.
#[tokio::test]
async fn one_process() {
    let place = Place::new();
    let directory = env::var_os(DIRECTORY).map_or(place.path(), PathBuf::from);
    let role = env::var(ROLE).unwrap_or_else(|_| "ask".into());
    let store = FileStore::new(&directory).unwrap();
    let answer = match &*role {
        "ask" => match ask_together(&store).await {
            Lookup::Leased(_) => "leased".into(),
            Lookup::Busy(_) => "busy".into(),
            other => format!("{other:?}"),
        },
        "org" => get_token(store).await,
        "write" => write_for_ever(&store, &directory).await,
        "lock" => lock_for_ever(&directory),
        "lease" => {
            let mut wants = claim();
            wants.at_least = Fence::new(1 << 60);
            match store.get_or_lease(&key(), &wants).await {
                Err(error) => format!("{:?}: {}", error.kind(), shown(&error)),
                Ok(found) => format!("{found:?}"),
            }
        }
        other => panic!("{other}"),
    };
    println!("\n{ANSWER}{answer}");
    if env::var_os(ROLE).is_none() {
        assert_eq!(answer, "leased");
    }
}

/// At the time that all were told, as nearly as can be.
async fn ask_together(store: &FileStore) -> Lookup {
    let since = || SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let at = env::var(AT).map_or(0, |at| at.parse().unwrap());
    while since().unwrap().as_millis() < at {
        thread::yield_now();
    }
    ask(store).await
}

async fn get_token(store: FileStore) -> String {
    let variable = |name| env::var(name).unwrap();
    let client = ClientBuilder::new().allow_loopback();
    let client = client.build::<Full<Bytes>>().unwrap();
    let region = Region::custom(&variable("LOGIN"), &variable("API")).unwrap();
    let org = Org::builder(region)
        .credentials(Credentials::new(variable("ID"), variable("SECRET")).unwrap())
        .allow_loopback()
        .share(Sharing::unsealed(store).with_operation_timeout(Duration::from_secs(5)))
        .build::<Full<Bytes>>(client)
        .unwrap();
    org.tokens().token().await.unwrap().expose().to_owned()
}

/// Big ones, so that the half of one would be seen.
async fn write_for_ever(store: &FileStore, directory: &Path) -> String {
    for round in 0.. {
        let mut wants = claim();
        if let Lookup::Token(found) = ask(store).await {
            wants.at_least = found.fence.next();
        }
        if let Lookup::Leased(lease) = store.get_or_lease(&key(), &wants).await.unwrap() {
            let value = format!("{round}").repeat(50_000);
            let put = entry(&lease, &value);
            store.publish(&key(), &lease, &put).await.unwrap();
        } else {
            // Somebody who was killed has the lease.
            fs::remove_file(directory.join(format!("{}.token", key()))).unwrap();
        }
        if round == 0 {
            println!("\n{ANSWER}writing");
        }
    }
    unreachable!("for ever")
}

fn lock_for_ever(directory: &Path) -> ! {
    let file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(directory.join(format!("{}.lock", key())))
        .unwrap();
    FileExt::lock(&file).unwrap();
    println!("\n{ANSWER}locked");
    loop {
        thread::park();
    }
}

/// A process in this role, on this directory.
pub(crate) fn command(program: &Path, role: &str, directory: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env(ROLE, role)
        .env(DIRECTORY, directory)
        .stdin(Stdio::null())
        .stdout(Stdio::piped());
    command
}

/// Ends with the test.
pub(crate) struct Process(Running);

impl Process {
    pub(crate) fn start(role: &str, place: &Place) -> Self {
        let mut command = command(&program(), role, &place.path());
        Self::run(command.args(only()))
    }

    pub(crate) fn run(command: &mut Command) -> Self {
        Self(Running::start(command))
    }

    /// What it has to say; waits for it.
    pub(crate) fn answer(&mut self) -> String {
        let output = self.0.child.stdout.as_mut().unwrap();
        let lines = BufReader::new(output).lines().map_while(Result::ok);
        let mut answers = lines.filter_map(|line| Some(line.strip_prefix(ANSWER)?.to_owned()));
        answers.next().expect("it ended without an answer")
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.0.kill();
    }
}

pub(crate) fn only() -> [&'static str; 3] {
    child_process::only(one_process)
}

#[test]
fn of_eight_processes_at_once_one_gets_the_lease() {
    for _ in 0..5 {
        let place = Place::new();
        let soon = SystemTime::now() + Duration::from_millis(300);
        let at = soon.duration_since(SystemTime::UNIX_EPOCH).unwrap();
        let ask = || {
            let mut command = command(&program(), "ask", &place.path());
            Process::run(command.env(AT, at.as_millis().to_string()).args(only()))
        };
        let mut all: Vec<_> = (0..8).map(|_| ask()).collect();
        let mut answers: Vec<_> = all.iter_mut().map(Process::answer).collect();
        answers.sort();
        assert_eq!(answers.pop().as_deref(), Some("leased"));
        assert!(answers.iter().all(|answer| answer == "busy"), "{answers:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn six_processes_ask_the_token_endpoint_once() {
    let (place, mock) = (Place::new(), MockGenesys::new());
    let server = mock.serve().await.unwrap();
    let mut all: Vec<_> = (0..6)
        .map(|_| {
            let mut command = command(&program(), "org", &place.path());
            command
                .env("LOGIN", server.region().login_base().to_string())
                .env("API", server.region().api_base().to_string())
                .env("ID", mock.client_id())
                .env("SECRET", mock.client_secret());
            Process::run(command.args(only()))
        })
        .collect();
    let tokens = tokio::task::spawn_blocking(move || {
        let mut tokens: Vec<_> = all.iter_mut().map(Process::answer).collect();
        tokens.dedup();
        tokens
    });
    assert_eq!(tokens.await.unwrap().len(), 1);
    assert_eq!(mock.token_posts(), 1);
}

#[tokio::test]
async fn a_reader_never_sees_half_a_file_while_writers_are_killed() {
    let place = Place::new();
    let store = place.store();
    for round in 0_u64..25 {
        let mut writer = Process::start("write", &place);
        assert_eq!(writer.answer(), "writing");
        // Somewhere else in what it does each time.
        let begun = Instant::now();
        let end = begun + Duration::from_micros(20_000 + round * 1_370);
        let mut tokens = 0;
        while Instant::now() < end || tokens < 2 {
            assert!(begun.elapsed() < Duration::from_secs(20), "too few tokens");
            match ask(&store).await {
                Lookup::Token(found) => {
                    let fingerprint = tower_genesys::token::Fingerprint::of(
                        std::str::from_utf8(&found.value).unwrap(),
                    );
                    assert_eq!(fingerprint, found.fingerprint);
                    tokens += 1;
                }
                Lookup::Leased(lease) => {
                    assert_eq!(lease.replaces, None, "half a file");
                    store.abandon(&key(), &lease, None).await.unwrap();
                }
                _ => {}
            }
        }
        writer.kill();
        match ask(&store).await {
            Lookup::Leased(lease) => assert_eq!(lease.replaces, None),
            _ => continue,
        }
        fs::remove_file(place.file("token")).unwrap();
    }
}
