//! A `redis-server` of one's own: on a free port and a socket in a temporary
//! directory, without persistence, gone when it is dropped, and also when the
//! program that started it is killed. Shared by path with whatever needs a real
//! server.
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "each of those who share it uses a part"
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

    /// A server with TLS on a port of its own beside the plain one, known as
    /// `localhost`.
    pub fn start_with_tls(certificates: &Certificates) -> Self {
        Launch::new()
            .tls(certificates, &["localhost"], "no")
            .start()
    }

    /// Whether the program is there.
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
        self.try_run(arguments).expect("the server does it")
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
        // Sentinels end the connections of a server that they set up.
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

    /// How often each command was called, those in scripts included.
    pub fn calls(&self, command: &str) -> u64 {
        let stats: String = self.run(&["INFO", "commandstats"]);
        let field = format!("cmdstat_{command}:calls=");
        stats
            .lines()
            .find_map(|line| line.strip_prefix(&field))
            .and_then(|rest| rest.split(',').next())
            .map_or(0, |calls| calls.parse().expect("a number"))
    }

    /// Every name of a key.
    pub fn keys(&self) -> Vec<String> {
        let mut keys: Vec<String> = self.run(&["KEYS", "*"]);
        keys.sort();
        keys
    }

    /// Everything that the server would keep, as it writes it to disk.
    pub fn dump(&self) -> Vec<u8> {
        self.run::<()>(&["CONFIG", "SET", "rdbcompression", "no"]);
        self.run::<()>(&["SAVE"]);
        fs::read(self.directory.path().join("dump.rdb")).expect("the dump that was saved")
    }

    /// Shows every command that the server carries out until `stop` is called.
    pub fn monitor(&self) -> Monitor {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("a connection");
        stream.write_all(b"MONITOR\r\n").expect("sent");
        let mut lines = BufReader::new(stream.try_clone().expect("a handle"));
        let mut ok = String::new();
        lines.read_line(&mut ok).expect("an answer");
        assert_eq!(ok, "+OK\r\n");
        let reader = thread::spawn(move || {
            let mut seen = String::new();
            while lines.read_line(&mut seen).is_ok_and(|read| read > 0) {}
            seen
        });
        Monitor { stream, reader }
    }

    /// Not when it was killed.
    pub fn is_running(&self) -> bool {
        self.process.is_some()
    }

    pub fn has_tls(&self) -> bool {
        self.how.has_tls()
    }

    /// Stops it like a crash.
    pub fn kill(&mut self) {
        if let Some((process, watchdog)) = self.process.take() {
            end(process, watchdog);
        }
    }

    /// Starts it again, on the same port, with nothing in it.
    pub fn restart(&mut self) {
        self.kill();
        assert!(self.launch(), "it starts again:\n{}", self.log());
    }

    /// Keeps it from running, while the system goes on taking what is sent to
    /// it.
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

    /// Whether it answers, rather than ending at once.
    fn launch(&mut self) -> bool {
        let mut command = self
            .how
            .command(self.directory.path(), self.port, self.tls_port);
        command.arg("--unixsocket").arg(self.socket());
        let mut process = command
            .spawn()
            .unwrap_or_else(|error| panic!("{INSTALL} ({error})"));
        let watchdog = Watchdog::over(process.id(), self.directory.path());
        for _ in 0..1000 {
            if self.answers() {
                self.process = Some((process, watchdog));
                return true;
            }
            if process.try_wait().is_ok_and(|status| status.is_some()) {
                return false;
            }
            thread::sleep(Duration::from_millis(10));
        }
        end(process, watchdog);
        false
    }

    /// By TCP, and not by the socket alone: another server may have had the
    /// port first.
    fn answers(&self) -> bool {
        fs::exists(self.socket()).unwrap_or_default()
            && TcpStream::connect(("127.0.0.1", self.port)).is_ok()
            && self.ping()
    }

    fn ping(&self) -> bool {
        match self.try_run::<String>(&["PING"]) {
            Ok(_) => true,
            // It wants a login: it is there.
            Err(error) => matches!(error.code(), Some("NOAUTH")),
        }
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        self.kill();
    }
}

/// See [`RedisServer::monitor`].
pub struct Monitor {
    stream: TcpStream,
    reader: thread::JoinHandle<String>,
}

impl Monitor {
    /// What was seen.
    pub fn stop(self) -> String {
        // What the server has written by now is read before the end.
        thread::sleep(Duration::from_millis(100));
        let _ = self.stream.shutdown(std::net::Shutdown::Both);
        self.reader.join().expect("the reader ends")
    }
}

/// By the shell's own `kill`: not every system has a program of this name.
pub fn send_signal(signal: &str, process: u32) {
    let mut shell = Command::new("sh");
    let status = shell
        .args(["-c", &format!("kill {signal} {process}")])
        .status();
    assert!(status.is_ok_and(|status| status.success()));
}

/// The watchdog first: the number of a process that has been waited for may be
/// that of another one.
fn end(mut process: Child, watchdog: Watchdog) {
    drop(watchdog);
    let _ = process.kill();
    let _ = process.wait();
}

/// Waits for something that a server does by itself, for as long as a test may
/// take.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..1500 {
        if is_so() {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
    panic!("{what}: not within 30 seconds");
}

fn path(path: &Path) -> String {
    path.to_str().expect("a path of UTF-8").to_owned()
}
