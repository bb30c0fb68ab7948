use std::{
    fs,
    io::ErrorKind,
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use tempfile::TempDir;

use crate::fixtures::real_time::block_until;

pub(crate) const USER: &str = "proxy-user";
pub(crate) const PASSWORD: &str = "pr0xy-pa55w0rd";

/// tinyproxy on a loopback port. It requires a user and a password, and
/// connects to one port only.
pub(crate) struct Tinyproxy {
    child: Child,
    address: SocketAddr,
    log: PathBuf,
    _directory: TempDir,
}

impl Tinyproxy {
    pub(crate) fn start(allowed: u16) -> Self {
        let directory = TempDir::new().expect("a directory");
        let log = directory.path().join("log");
        // Another process may take the port first. Then tinyproxy ends at once.
        for _ in 0..10 {
            let address = free_address();
            let config = directory.path().join("config");
            fs::write(&config, settings(address, &log, allowed)).expect("a file");
            let mut child = spawn(&config);
            if is_up(&mut child, address) {
                return Self {
                    child,
                    address,
                    log,
                    _directory: directory,
                };
            }
        }
        panic!("tinyproxy does not start; see {}", log.display());
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self, user: &str, password: &str) -> String {
        format!("http://{user}:{password}@{}", self.address)
    }

    /// How many connections it was asked for, according to its log.
    pub(crate) fn asked(&self) -> usize {
        let log = fs::read_to_string(&self.log).expect("it logs");
        log.matches(": CONNECT ").count()
    }
}

impl Drop for Tinyproxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_address() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
    listener.local_addr().expect("it is bound")
}

fn settings(address: SocketAddr, log: &std::path::Path, allowed: u16) -> String {
    format!(
        "Port {}\nListen {}\nTimeout 60\nLogFile \"{}\"\nLogLevel Connect\nMaxClients 20\n\
         Allow 127.0.0.1\nBasicAuth {USER} {PASSWORD}\nConnectPort {allowed}\n",
        address.port(),
        address.ip(),
        log.display(),
    )
}

fn spawn(config: &std::path::Path) -> Child {
    let spawned = Command::new("tinyproxy")
        .arg("-d")
        .arg("-c")
        .arg(config)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    match spawned {
        Ok(child) => child,
        Err(error) if error.kind() == ErrorKind::NotFound => panic!(
            "tinyproxy is not installed: run tests/install-servers.sh tinyproxy, as `make test` does"
        ),
        Err(error) => panic!("tinyproxy does not start: {error}"),
    }
}

fn is_up(child: &mut Child, address: SocketAddr) -> bool {
    let (mut has_ended, mut answers) = (false, false);
    block_until(|| {
        has_ended = child.try_wait().expect("it is ours").is_some();
        answers = !has_ended && TcpStream::connect(address).is_ok();
        has_ended || answers
    });
    if !answers {
        let _ = child.kill();
        let _ = child.wait();
    }
    answers
}
