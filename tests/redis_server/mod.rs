//! Real servers for tests and benches, which include this file by its path.
//!
//! Each `redis-server` listens on a free port and on a socket in a temporary
//! directory, and keeps nothing. It ends when it is dropped, and also when the
//! program that started it is killed.
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "each program uses a part of it"
)]

mod certificates;
mod cluster;
mod launch;
mod proxy;
mod sentinel;
mod watchdog;

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use redis::{Client, FromRedisValue, ToRedisArgs};
use tempfile::TempDir;

pub use certificates::{Certificates, Identity};
pub use cluster::RedisCluster;
pub use launch::Launch;
pub use proxy::{Mode, Proxy};
pub use sentinel::{RedisSentinels, SentinelOptions};
use watchdog::Watchdog;

/// How long a test waits for what a server does by itself.
const PATIENCE: Duration = Duration::from_secs(30);
/// The pause between two looks at a server: short beside what it takes for
/// anything, and long enough to leave it the processor.
const PAUSE: Duration = Duration::from_millis(10);

const INSTALL: &str = "a server that these tests need is not installed: run tests/install-servers.sh \
                       redis-server redis-server-6 valkey-server (Debian, Ubuntu, macOS)";

/// A server process.
pub struct RedisServer {
    process: Option<(Child, Watchdog)>,
    directory: TempDir,
    port: u16,
    tls_port: u16,
    how: Launch,
}

impl RedisServer {
    /// A server that answers.
    pub fn start() -> Self {
        Launch::new().start()
    }

    /// A server with these options, as on the command line, that answers.
    pub fn start_with(options: &[&str]) -> Self {
        Launch::new().options(options).start()
    }

    /// A server with a TLS port beside the plain one, and a certificate for
    /// `localhost`.
    pub fn start_with_tls(certificates: &Certificates) -> Self {
        Launch::new()
            .tls(certificates, &["localhost"], "no")
            .start()
    }

    /// Whether `redis-server` is installed.
    pub fn is_installed() -> bool {
        let mut command = Command::new("redis-server");
        command.arg("--version").stdout(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub fn url_of(&self, user: &str, password: &str) -> String {
        format!("redis://{user}:{password}@127.0.0.1:{}", self.port)
    }

    pub fn tls_port(&self) -> u16 {
        self.tls_port
    }

    pub fn tls_url(&self) -> String {
        format!("rediss://localhost:{}", self.tls_port)
    }

    pub fn unix_url(&self) -> String {
        format!("unix://{}", self.socket().display())
    }

    /// Runs a command as the default user, and waits for its answer.
    pub fn run<T: FromRedisValue>(&self, arguments: &[impl ToRedisArgs]) -> T {
        self.try_run(arguments).expect("the command succeeds")
    }

    /// Runs a command as the default user, and waits for its answer.
    pub fn try_run<T: FromRedisValue>(
        &self,
        arguments: &[impl ToRedisArgs],
    ) -> redis::RedisResult<T> {
        self.run_as(None, arguments)
    }

    /// Runs a command as the default user, who may have a password.
    pub fn run_as<T: FromRedisValue>(
        &self,
        password: Option<&str>,
        arguments: &[impl ToRedisArgs],
    ) -> redis::RedisResult<T> {
        // Sentinels close the connections of a server that they reconfigure.
        match self.run_once(password, arguments) {
            Err(error) if error.is_connection_dropped() => self.run_once(password, arguments),
            done => done,
        }
    }

    fn run_once<T: FromRedisValue>(
        &self,
        password: Option<&str>,
        arguments: &[impl ToRedisArgs],
    ) -> redis::RedisResult<T> {
        let login = password.map_or_else(String::new, |password| format!("?pass={password}"));
        let client = Client::open(format!("{}{login}", self.unix_url())).expect("a URL");
        let mut connection = client.get_connection()?;
        let mut command = redis::Cmd::new();
        command.arg(arguments);
        command.query(&mut connection)
    }

    /// How often a command was called, including calls in scripts.
    pub fn calls(&self, command: &str) -> u64 {
        let stats: String = self.run(&["INFO", "commandstats"]);
        let field = format!("cmdstat_{command}:calls=");
        stats
            .lines()
            .find_map(|line| line.strip_prefix(&field))
            .and_then(|rest| rest.split(',').next())
            .map_or(0, |calls| calls.parse().expect("a number"))
    }

    /// The names of all keys, in order.
    pub fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = self.run(&["KEYS", "*"]);
        keys.sort();
        keys
    }

    /// The whole data of the server, as it writes them to disk.
    pub fn dump(&self) -> Vec<u8> {
        self.run::<()>(&["CONFIG", "SET", "rdbcompression", "no"]);
        self.run::<()>(&["SAVE"]);
        fs::read(self.directory.path().join("dump.rdb")).expect("the dump that was saved")
    }

    /// A field of what the server reports about its replication.
    fn replication(&self, field: &str) -> Option<String> {
        let info: String = self.try_run(&["INFO", "replication"]).ok()?;
        let field = format!("{field}:");
        let value = info.lines().find_map(|line| line.strip_prefix(&field))?;
        Some(value.to_owned())
    }

    /// Records every command that the server carries out until `stop` is
    /// called.
    pub fn monitor(&self) -> Monitor {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("a connection");
        stream.write_all(b"MONITOR\r\n").expect("sent");
        let mut lines = BufReader::new(stream.try_clone().expect("a handle"));
        let mut ok = String::new();
        lines.read_line(&mut ok).expect("an answer");
        assert_eq!(ok, "+OK\r\n");
        let reader = thread::spawn(move || {
            let mut seen = String::new();
            let is_last = |seen: &str| seen.lines().last().is_some_and(|it| it.contains(LAST));
            while !is_last(&seen) && lines.read_line(&mut seen).is_ok_and(|read| read > 0) {}
            seen
        });
        let client = Client::open(self.unix_url()).expect("a URL");
        Monitor { client, reader }
    }

    /// False after a kill.
    pub fn is_running(&self) -> bool {
        self.process.is_some()
    }

    pub fn has_tls(&self) -> bool {
        self.how.has_tls()
    }

    /// Ends it like a crash.
    pub fn kill(&mut self) {
        if let Some((process, watchdog)) = self.process.take() {
            end(process, watchdog);
        }
    }

    /// Restarts it on the same port, without data.
    pub fn restart(&mut self) {
        self.kill();
        assert!(self.launch(), "it does not restart:\n{}", self.log());
    }

    /// Stops the process, while the system still accepts connections and bytes
    /// for it.
    pub fn freeze(&self) {
        self.signal("-STOP");
    }

    pub fn thaw(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let (process, _) = self.process.as_ref().expect("it runs");
        send_signal(signal, process.id());
    }

    fn socket(&self) -> PathBuf {
        self.directory.path().join("redis.sock")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.directory.path().join("log")).unwrap_or_default()
    }

    /// Starts the process. Returns whether it answers, rather than ending at
    /// once.
    fn launch(&mut self) -> bool {
        let mut command = self
            .how
            .command(self.directory.path(), self.port, self.tls_port);
        command.arg("--unixsocket").arg(self.socket());
        let mut process = command
            .spawn()
            .unwrap_or_else(|error| panic!("{INSTALL} ({error})"));
        let watchdog = Watchdog::over(process.id(), self.directory.path());
        let mut answers = false;
        poll(|| {
            answers = self.answers();
            answers || process.try_wait().is_ok_and(|status| status.is_some())
        });
        if answers {
            self.process = Some((process, watchdog));
        } else {
            end(process, watchdog);
        }
        answers
    }

    /// Asks over TCP and not over the socket alone: another server may have
    /// taken the port first.
    fn answers(&self) -> bool {
        fs::exists(self.socket()).unwrap_or_default()
            && TcpStream::connect(("127.0.0.1", self.port)).is_ok()
            && self.ping()
    }

    fn ping(&self) -> bool {
        match self.try_run::<String>(&["PING"]) {
            Ok(_) => true,
            // A server that requires a login is up.
            Err(error) => matches!(error.code(), Some("NOAUTH")),
        }
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The command that ends a [`Monitor`]. The server shows commands in the order
/// in which it carries them out, so this is the last one.
const LAST: &str = "the last command";

/// See [`RedisServer::monitor`].
pub struct Monitor {
    client: Client,
    reader: thread::JoinHandle<String>,
}

impl Monitor {
    /// The commands that were recorded.
    pub fn stop(self) -> String {
        let mut connection = self.client.get_connection().expect("a connection");
        let last = redis::cmd("ECHO").arg(LAST).to_owned();
        last.exec(&mut connection).expect("the server runs");
        self.reader.join().expect("the reader ends")
    }
}

/// Sends a signal through the shell's built-in `kill`, since not every system
/// has a program of that name.
pub fn send_signal(signal: &str, process: u32) {
    let mut shell = Command::new("sh");
    let status = shell
        .args(["-c", &format!("kill {signal} {process}")])
        .status();
    assert!(status.is_ok_and(|status| status.success()));
}

/// Ends a process, the watchdog first: after the wait, another process may get
/// the same number.
fn end(mut process: Child, watchdog: Watchdog) {
    drop(watchdog);
    let _ = process.kill();
    let _ = process.wait();
}

/// Waits for something that servers do by themselves.
pub fn wait_until(what: &str, holds: impl FnMut() -> bool) {
    assert!(poll(holds), "{what}: not within {PATIENCE:?}");
}

/// Returns whether the condition held before the patience ended. A server
/// announces nothing, so only its answers tell.
fn poll(mut holds: impl FnMut() -> bool) -> bool {
    for _ in 0..PATIENCE.as_millis() / PAUSE.as_millis() {
        if holds() {
            return true;
        }
        thread::sleep(PAUSE);
    }
    false
}

/// Whether a replica has all writes of its primary. A failover loses those that
/// it does not have.
fn is_in_step(primary: &RedisServer, replica: &RedisServer) -> bool {
    let written = primary.replication("master_repl_offset");
    written.is_some()
        && replica.replication("master_link_status").as_deref() == Some("up")
        && replica.replication("slave_repl_offset") == written
}

fn path(path: &Path) -> String {
    path.to_str().expect("a path of UTF-8").to_owned()
}
