//! A `redis-server` of one's own: on a free port and a socket in a temporary directory, without
//! persistence, gone when it is dropped, and also when the program that started it is killed.
//! Shared by path with whatever needs a real server.
#![allow(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "each of those who share it uses a part"
)]

mod certificates;
mod proxy;
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

pub use certificates::Certificates;
pub use proxy::{Mode, Proxy};
use watchdog::Watchdog;

const INSTALL: &str = "`redis-server` is not installed, and these tests need it: run \
                       tests/install-servers.sh redis-server (Debian, Ubuntu, macOS), or install Redis 6 or newer";

/// A server process.
pub struct RedisServer {
    process: Option<(Child, Watchdog)>,
    directory: TempDir,
    port: u16,
    tls_port: u16,
    options: Vec<String>,
}

impl RedisServer {
    /// A server that answers.
    pub fn start() -> Self {
        Self::start_with(&[])
    }

    /// A server with these options, as on the command line, that answers.
    pub fn start_with(options: &[&str]) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let options = options.iter().map(|&option| option.to_owned()).collect();
        let mut server = Self {
            process: None,
            directory,
            port: 0,
            tls_port: 0,
            options,
        };
        // Somebody else may take the port between looking for it and using it.
        for _ in 0..5 {
            server.port = free_port();
            if server.launch() {
                return server;
            }
        }
        panic!("redis-server does not start:\n{}", server.log());
    }

    /// A server with TLS on a port of its own beside the plain one.
    pub fn start_with_tls(certificates: &Certificates) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let mut server = Self {
            process: None,
            directory,
            port: 0,
            tls_port: 0,
            options: Vec::new(),
        };
        let [certificate, key] = certificates.write(server.directory.path());
        for _ in 0..5 {
            (server.port, server.tls_port) = (free_port(), free_port());
            let port = server.tls_port.to_string();
            server.options = [
                ["--tls-port", &port],
                ["--tls-cert-file", &certificate],
                ["--tls-key-file", &key],
                ["--tls-ca-cert-file", &certificate],
                ["--tls-auth-clients", "no"],
            ]
            .concat()
            .into_iter()
            .map(str::to_owned)
            .collect();
            if server.launch() {
                return server;
            }
        }
        panic!("redis-server does not start with TLS:\n{}", server.log());
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
        let client = Client::open(self.unix_url()).expect("a URL");
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

    /// Keeps it from running, while the system goes on taking what is sent to it.
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
        let mut command = Command::new("redis-server");
        command
            .args(["--bind", "127.0.0.1", "--port", &self.port.to_string()])
            .args(["--save", "", "--appendonly", "no", "--logfile", "log"])
            .arg("--dir")
            .arg(self.directory.path())
            .arg("--unixsocket")
            .arg(self.socket())
            .args(&self.options)
            .stdout(Stdio::null());
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

    /// By TCP, and not by the socket alone: another server may have had the port first.
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

/// The watchdog first: the number of a process that has been waited for may be that of another one.
fn end(mut process: Child, watchdog: Watchdog) {
    drop(watchdog);
    let _ = process.kill();
    let _ = process.wait();
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a loopback port is free");
    listener.local_addr().expect("it has an address").port()
}

fn path(path: &Path) -> String {
    path.to_str().expect("a path of UTF-8").to_owned()
}
