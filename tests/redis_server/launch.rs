use std::{
    ffi::OsString,
    fs,
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
};

use super::{Certificates, RedisServer};

/// The distance between a node's port and the port of its bus.
const BUS: u16 = 10_000;

/// The settings with which a server starts.
#[derive(Clone)]
pub struct Launch {
    program: OsString,
    options: Vec<String>,
    tls: Option<Tls>,
    /// The lines of its configuration, when it is a Sentinel.
    sentinel: Option<String>,
    is_node: bool,
}

#[derive(Clone)]
struct Tls {
    /// Certificate, key and CA, by name and content.
    files: [(&'static str, String); 3],
    auth_clients: &'static str,
}

impl Launch {
    pub fn new() -> Self {
        Self {
            program: "redis-server".into(),
            options: Vec::new(),
            tls: None,
            sentinel: None,
            is_node: false,
        }
    }

    /// A program other than `redis-server`.
    pub fn program(mut self, program: impl Into<OsString>) -> Self {
        self.program = program.into();
        self
    }

    /// More options, as on the command line.
    pub fn options(mut self, options: &[&str]) -> Self {
        self.options
            .extend(options.iter().map(|&option| option.to_owned()));
        self
    }

    /// A TLS port beside the plain one. `auth_clients` is `yes`, `no` or
    /// `optional`: whether clients must show a certificate.
    pub fn tls(mut self, by: &Certificates, names: &[&str], auth_clients: &'static str) -> Self {
        let server = by.server(names);
        let files = [
            ("server.pem", server.certificate),
            ("server.key", server.key),
            ("ca.pem", by.pem().to_owned()),
        ];
        self.tls = Some(Tls {
            files,
            auth_clients,
        });
        self
    }

    /// A Sentinel with this configuration.
    pub fn sentinel(mut self, lines: String) -> Self {
        self.sentinel = Some(lines);
        self
    }

    /// A node of a cluster.
    pub fn node(mut self) -> Self {
        self.is_node = true;
        self
    }

    pub fn has_tls(&self) -> bool {
        self.tls.is_some()
    }

    pub fn start(self) -> RedisServer {
        let directory = tempfile::tempdir().expect("a temporary directory");
        if let Some(tls) = &self.tls {
            for (name, pem) in &tls.files {
                fs::write(directory.path().join(name), pem).expect("a file in the directory");
            }
        }
        let mut server = RedisServer {
            process: None,
            directory,
            port: 0,
            tls_port: 0,
            how: self,
        };
        // Another process may take the port before the server does.
        for _ in 0..5 {
            (server.port, server.tls_port) = (server.how.free_port(), server.how.free_port());
            if server.launch() {
                return server;
            }
        }
        panic!("the server does not start:\n{}", server.log());
    }

    pub(super) fn command(&self, directory: &Path, port: u16, tls_port: u16) -> Command {
        let mut command = Command::new(&self.program);
        match &self.sentinel {
            Some(lines) => {
                // A Sentinel rewrites its configuration, so a restart keeps it.
                let file = directory.join("sentinel.conf");
                if !file.exists() {
                    fs::write(&file, lines).expect("a file in the directory");
                }
                command.arg(file).arg("--sentinel");
            }
            None => {
                command.args(["--save", "", "--appendonly", "no"]);
            }
        }
        command
            .args(["--bind", "127.0.0.1", "--port", &port.to_string()])
            .args(["--logfile", "log", "--dir"])
            .arg(directory)
            .args(&self.options)
            .stdout(Stdio::null());
        if self.is_node {
            command.args(["--cluster-enabled", "yes"]);
        }
        if let Some(tls) = &self.tls {
            let file = |at: usize| super::path(&directory.join(tls.files[at].0));
            command
                .args(["--tls-port", &tls_port.to_string()])
                .args(["--tls-cert-file", &file(0), "--tls-key-file", &file(1)])
                .args(["--tls-ca-cert-file", &file(2)])
                .args(["--tls-auth-clients", tls.auth_clients]);
        }
        command
    }

    fn free_port(&self) -> u16 {
        if !self.is_node {
            return port_of(&listen(0).expect("a loopback port is free"));
        }
        // Both ports lie outside of the range from which the system gives ports
        // to others.
        loop {
            let port = fastrand::u16(10_000..22_000);
            if listen(port).is_some() && listen(port + BUS).is_some() {
                return port;
            }
        }
    }
}

fn listen(port: u16) -> Option<TcpListener> {
    TcpListener::bind(("127.0.0.1", port)).ok()
}

fn port_of(listener: &TcpListener) -> u16 {
    listener.local_addr().expect("it has an address").port()
}
