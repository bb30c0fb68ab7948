//! A process of the fleet, seen by the test.

use std::{
    collections::HashMap,
    env,
    future::Future,
    process::Stdio,
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    process::{Child, ChildStdin, ChildStdout, Command},
    sync::oneshot,
    time::timeout,
};

use crate::{
    fixtures::child_process::{only, program},
    redis_server::send_signal,
    setup::{Fleet, Settings},
    worker,
};

/// The prefix of an answer, among the lines of the test harness.
pub(crate) const ANSWER: &str = ">> ";
const SETTINGS: &str = "TOWER_GENESYS_TEST_FLEET";
/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(60);

type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<String>>>>;

/// A process, which is killed when this is dropped.
pub(crate) struct Process {
    child: Child,
    input: Option<ChildStdin>,
    waiting: Waiting,
    last: u64,
}

/// The outcome of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    /// `token`, `status` or `error`.
    pub(crate) tag: String,
    pub(crate) took: Duration,
    /// The token, the status or the error.
    pub(crate) text: String,
}

impl Process {
    /// Starts a process with these settings. It does nothing yet.
    pub(crate) async fn start(settings: &Settings) -> Self {
        Self::start_by(Command::new(program()), settings).await
    }

    /// Starts a process whose clock differs by this, such as `+300s`.
    pub(crate) async fn start_with_clock(difference: &str, settings: &Settings) -> Self {
        let mut command = Command::new("faketime");
        command
            .args(["-f", difference])
            .arg(program())
            // Only the wall clock differs, and not the clock that measures
            // durations.
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1")
            .env("DONT_FAKE_MONOTONIC", "1");
        Self::start_by(command, settings).await
    }

    async fn start_by(mut command: Command, settings: &Settings) -> Self {
        let mut child = command
            .args(only(a_process_ends_with_its_input))
            .env(SETTINGS, settings.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{error}; if it is about `faketime`: tests/install-servers.sh faketime")
            });
        let waiting = Waiting::default();
        let (ready, is_ready) = oneshot::channel();
        waiting.lock().unwrap().insert(0, ready);
        tokio::spawn(listen(child.stdout.take().unwrap(), waiting.clone()));
        let process = Self {
            input: child.stdin.take(),
            child,
            waiting,
            last: 0,
        };
        let ready = timeout(PATIENCE, is_ready).await;
        assert_eq!(ready.expect("it starts").expect("it answers"), "ready");
        process
    }

    /// Sends a command. The future resolves to the answer.
    pub(crate) async fn tell(&mut self, command: &str) -> impl Future<Output = String> + use<> {
        self.last += 1;
        let (answer, answered) = oneshot::channel();
        self.waiting.lock().unwrap().insert(self.last, answer);
        let line = format!("{} {command}\n", self.last);
        let input = self.input.as_mut().unwrap();
        input.write_all(line.as_bytes()).await.unwrap();
        let command = command.to_owned();
        async move {
            match timeout(PATIENCE, answered).await {
                Ok(Ok(answer)) => answer,
                Ok(Err(_)) => panic!("the process has ended during {command}"),
                Err(_) => panic!("no answer to {command}"),
            }
        }
    }

    pub(crate) async fn ask(&mut self, command: &str) -> String {
        self.tell(command).await.await
    }

    /// The token that the process would send.
    pub(crate) async fn get(&mut self) -> Answer {
        Answer::parse(&self.ask("get").await)
    }

    /// Sends a request to the API.
    pub(crate) async fn call(&mut self) -> Answer {
        Answer::parse(&self.ask("call").await)
    }

    pub(crate) async fn events(&mut self) -> Vec<String> {
        let events = self.ask("events").await;
        events.split_whitespace().map(str::to_owned).collect()
    }

    pub(crate) async fn has_seen(&mut self, event: &str) -> bool {
        self.events().await.iter().any(|seen| seen == event)
    }

    /// Whether it was ever granted a lease.
    pub(crate) async fn has_led(&mut self) -> bool {
        !self.fences().await.is_empty()
    }

    /// The fences of the leases that it was granted.
    pub(crate) async fn fences(&mut self) -> Vec<u64> {
        let events = self.events().await;
        let fences = { events.iter() }.filter_map(|event| event.strip_prefix("leased:"));
        fences.map(|fence| fence.parse().unwrap()).collect()
    }

    /// Stops the traffic, in which no request has failed. Returns how many
    /// requests there were, and the longest time that one took.
    pub(crate) async fn stop_traffic(&mut self) -> (usize, Duration) {
        let answer = self.ask("stop").await;
        let mut words = answer.splitn(4, ' ').skip(1);
        let made = words.next().unwrap().parse().unwrap();
        let slowest = words.next().unwrap().parse().unwrap();
        let failed = words.next().unwrap_or_default();
        assert_eq!(failed, "", "of {made}");
        (made, Duration::from_millis(slowest))
    }

    /// Kills it in the middle of its work.
    pub(crate) async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// Closes its input, and waits until it ends.
    pub(crate) async fn end(mut self) {
        drop(self.input.take());
        let status = timeout(PATIENCE, self.child.wait()).await.unwrap();
        assert!(status.unwrap().success());
    }

    pub(crate) fn thaw(&self) {
        send_signal("-CONT", self.child.id().unwrap());
    }
}

impl Answer {
    pub(crate) fn parse(answer: &str) -> Self {
        let mut words = answer.splitn(3, ' ');
        let tag = words.next().unwrap().to_owned();
        let took = words.next().unwrap().parse().unwrap();
        Self {
            tag,
            took: Duration::from_millis(took),
            text: words.next().unwrap_or_default().to_owned(),
        }
    }

    pub(crate) fn token(&self) -> &str {
        assert_eq!(self.tag, "token", "{self:?}");
        &self.text
    }

    pub(crate) fn assert_ok(&self) {
        assert_eq!((&*self.tag, &*self.text), ("status", "200"), "{self:?}");
    }
}

async fn listen(output: ChildStdout, waiting: Waiting) {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let Some(answer) = line.strip_prefix(ANSWER) else {
            continue;
        };
        let (id, answer) = answer.split_once(' ').unwrap();
        let asked = waiting.lock().unwrap().remove(&id.parse().unwrap());
        let _ = asked.expect("it was asked").send(answer.to_owned());
    }
    // The callers that still wait learn that no answer will come.
    waiting.lock().unwrap().clear();
}

/// With settings in the environment, this test is the process.
#[tokio::test]
async fn a_process_ends_with_its_input() {
    if let Ok(settings) = env::var(SETTINGS) {
        return worker::work(&settings).await;
    }
    let mut fleet = Fleet::of(1).await;
    let mut process = fleet.processes.remove(0);
    process.call().await.assert_ok();
    process.end().await;
    assert_eq!(fleet.posts(), 1);
}
