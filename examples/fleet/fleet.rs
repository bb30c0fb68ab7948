use std::{collections::BTreeMap, env, io, process::Stdio, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::{Child, ChildStdout, Command},
    sync::mpsc,
    time::timeout,
};
use tower_genesys::{
    BoxError,
    testing::{MockGenesys, MockServer},
};

use crate::redis::Redis;

/// Child processes of this program, with another environment.
pub(crate) struct Fleet {
    pub(crate) processes: BTreeMap<usize, Child>,
    events: mpsc::UnboundedReceiver<(usize, String)>,
}

impl Fleet {
    /// Starts a process for each of these roles. They are numbered from 1.
    pub(crate) fn start(
        roles: &[&str],
        redis: &Redis,
        mock: &MockGenesys,
        server: &MockServer,
    ) -> Result<Self, BoxError> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        let key = format!("demo:{}", BASE64_STANDARD.encode(key));
        let (said, events) = mpsc::unbounded_channel();
        let mut processes = BTreeMap::new();
        for (number, role) in (1..).zip(roles) {
            let mut process = Command::new(env::current_exe()?)
                .env(crate::ROLE, role)
                .env(crate::MOCK, server.url())
                .env("REDIS_URL", &redis.url)
                .env("GENESYS_STORE_KEYS", &key)
                .env("GENESYS_CLIENT_ID", mock.client_id())
                .env("GENESYS_CLIENT_SECRET", mock.client_secret())
                .stdout(Stdio::piped())
                .kill_on_drop(true)
                .spawn()?;
            let output = process.stdout.take().ok_or("its output is piped")?;
            tokio::spawn(listen(number, output, said.clone()));
            processes.insert(number, process);
        }
        Ok(Self { processes, events })
    }

    /// Waits until a process prints this, and returns its number.
    pub(crate) async fn wait_for(&mut self, event: &str) -> Result<usize, BoxError> {
        while let Some((number, said)) = self.events.recv().await {
            println!("  process {number}: {said}");
            if said == event {
                return Ok(number);
            }
        }
        Err("all processes have ended".into())
    }

    /// The next line of a process and its number, or `None` if that takes
    /// longer than this.
    pub(crate) async fn next(&mut self, within: Duration) -> Option<(usize, String)> {
        timeout(within, self.events.recv()).await.ok().flatten()
    }

    /// Waits until this many processes have taken the token of another one.
    pub(crate) async fn wait_until_adopted(&mut self, count: usize) -> Result<(), BoxError> {
        for _ in 0..count {
            self.wait_for("adopted").await?;
        }
        Ok(())
    }

    /// Whether all processes that were not killed still run. A process ends if
    /// a request fails.
    pub(crate) fn all_live(&mut self) -> io::Result<bool> {
        for process in self.processes.values_mut() {
            if process.try_wait()?.is_some() {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

async fn listen(number: usize, output: ChildStdout, said: mpsc::UnboundedSender<(usize, String)>) {
    let mut lines = BufReader::new(output).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let _ = said.send((number, line));
    }
}
