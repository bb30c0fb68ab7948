//! Real processes at the same time. Each is a child that runs [`one_process`].

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
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
        running_child::{Running, say, wait_for_go},
    },
    setup::*,
};

const ROLE: &str = "FILE_STORE_ROLE";
const DIRECTORY: &str = "FILE_STORE_DIRECTORY";

/// The work of a child process, as the environment from [`command`] says. As a
/// test, it asks once.
#[tokio::test]
async fn one_process() {
    let place = Place::new();
    let directory = env::var_os(DIRECTORY).map_or(place.path(), PathBuf::from);
    let role = env::var(ROLE).unwrap_or_else(|_| "ask".into());
    let store = FileStore::new(&directory).unwrap();
    let answer = match &*role {
        "ask" => {
            if env::var_os(ROLE).is_some() {
                say("ready");
                wait_for_go();
            }
            match ask(&store).await {
                Lookup::Leased(_) => "leased".into(),
                Lookup::Busy(_) => "busy".into(),
                other => format!("{other:?}"),
            }
        }
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
    say(&answer);
    if env::var_os(ROLE).is_none() {
        assert_eq!(answer, "leased");
    }
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

/// Writes large tokens until it is killed, so that a reader would notice half
/// of one.
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
            // A killed process has the lease.
            fs::remove_file(directory.join(format!("{}.token", key()))).unwrap();
        }
        if round == 0 {
            say("writing");
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
    say("locked");
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
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    command
}

/// Starts a process in this role.
pub(crate) fn start(role: &str, place: &Place) -> Running {
    let mut command = command(&program(), role, &place.path());
    Running::start(command.args(only()))
}

pub(crate) fn only() -> [&'static str; 3] {
    child_process::only(one_process)
}

#[test]
fn of_eight_processes_at_once_one_gets_the_lease() {
    for _ in 0..5 {
        let place = Place::new();
        let mut all: Vec<_> = (0..8).map(|_| start("ask", &place)).collect();
        for process in &mut all {
            assert_eq!(process.says(), "ready");
        }
        all.iter_mut().for_each(Running::go);
        let mut answers: Vec<_> = all.iter_mut().map(Running::says).collect();
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
            Running::start(command.args(only()))
        })
        .collect();
    let tokens = tokio::task::spawn_blocking(move || {
        let mut tokens: Vec<_> = all.iter_mut().map(Running::says).collect();
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
        let mut writer = start("write", &place);
        assert_eq!(writer.says(), "writing");
        // The writer is killed at another point of its work each time.
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
