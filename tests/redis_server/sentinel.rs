use std::fmt::Write;

use super::{Certificates, Launch, RedisServer, is_in_step, wait_until};

/// The name of the primary in the Sentinels' configuration.
const NAME: &str = "fleet";

/// Three Sentinels, a primary and a replica.
pub struct RedisSentinels {
    pub servers: Vec<RedisServer>,
    pub sentinels: Vec<RedisServer>,
    is_tls: bool,
}

/// What differs from the simplest setup.
#[derive(Default)]
pub struct SentinelOptions<'a> {
    pub how: Option<Launch>,
    pub tls: Option<&'a Certificates>,
    /// The password of the servers.
    pub password: Option<&'a str>,
    /// The password of the Sentinels.
    pub sentinel_password: Option<&'a str>,
}

impl RedisSentinels {
    pub fn start() -> Self {
        Self::start_with(&SentinelOptions::default())
    }

    pub fn start_with(options: &SentinelOptions<'_>) -> Self {
        let mut how = options.how.clone().unwrap_or_else(Launch::new);
        if let Some(by) = options.tls {
            how = how.tls(by, &["localhost", "127.0.0.1"], "yes");
            how = how.options(&["--tls-replication", "yes"]);
        }
        let mut server = how.clone().options(&["--repl-diskless-sync-delay", "0"]);
        if let Some(password) = options.password {
            server = server.options(&["--requirepass", password, "--masterauth", password]);
        }
        let is_tls = options.tls.is_some();
        let servers: Vec<_> = (0..2).map(|_| server.clone().start()).collect();
        let port = if is_tls {
            servers[0].tls_port()
        } else {
            servers[0].port()
        };
        let port = port.to_string();
        run::<()>(
            &servers[1],
            options.password,
            &["REPLICAOF", "127.0.0.1", &port],
        );
        let lines = configuration(&port, options);
        let sentinels = (0..3)
            .map(|_| how.clone().sentinel(lines.clone()).start())
            .collect();
        let all = Self {
            servers,
            sentinels,
            is_tls,
        };
        let password = options.sentinel_password;
        wait_until("the Sentinels know each other and the replica", || {
            all.sentinels.iter().all(|sentinel| {
                all.field(sentinel, password, "num-other-sentinels") == "2"
                    && all.field(sentinel, password, "num-slaves") == "1"
            })
        });
        wait_until("the replica is in step", || {
            let info: String = run(&all.servers[1], options.password, &["INFO", "replication"]);
            info.contains("master_link_status:up")
        });
        all
    }

    fn field(&self, sentinel: &RedisServer, password: Option<&str>, name: &str) -> String {
        let fields: Vec<String> = run(sentinel, password, &["SENTINEL", "MASTER", NAME]);
        let at = fields.iter().position(|field| field == name);
        at.map(|at| fields[at + 1].clone()).unwrap_or_default()
    }

    pub fn port_of(&self, server: &RedisServer) -> u16 {
        if self.is_tls {
            server.tls_port()
        } else {
            server.port()
        }
    }

    /// A URL that names these Sentinels.
    pub fn url_of(&self, sentinels: &[usize]) -> String {
        let all: Vec<_> = sentinels
            .iter()
            .map(|&at| format!("127.0.0.1:{}", self.port_of(&self.sentinels[at])))
            .collect();
        let scheme = if self.is_tls { "rediss" } else { "redis" };
        format!("{scheme}-sentinel://{}/{NAME}", all.join(","))
    }

    pub fn url(&self) -> String {
        self.url_of(&[0, 1, 2])
    }

    /// The server that all running Sentinels take for the primary.
    pub fn primary(&self) -> Option<usize> {
        let mut named = self
            .sentinels
            .iter()
            .filter(|it| it.is_running())
            .map(|sentinel| {
                let address: Vec<String> =
                    sentinel.run(&["SENTINEL", "GET-MASTER-ADDR-BY-NAME", NAME]);
                address[1].parse::<u16>().expect("a port")
            });
        let first = named.next()?;
        let is_one = named.all(|other| other == first);
        let at = self
            .servers
            .iter()
            .position(|server| self.port_of(server) == first)?;
        is_one.then_some(at)
    }

    /// Waits until all Sentinels and the server itself take it for the primary.
    pub fn wait_for_primary(&self, at: usize) {
        wait_until("the Sentinels agree", || {
            self.primary() == Some(at) && {
                let info: String = self.servers[at].run(&["INFO", "replication"]);
                info.contains("role:master")
            }
        });
    }

    /// Has the Sentinels make the replica the primary in an orderly way.
    pub fn fail_over(&self) {
        wait_until("a failover may begin", || {
            self.sentinels[0]
                .try_run::<()>(&["SENTINEL", "FAILOVER", NAME])
                .is_ok()
        });
    }

    /// Waits until this server is a replica with all writes of the other one.
    pub fn wait_for_replica(&self, at: usize) {
        let (primary, replica) = (&self.servers[1 - at], &self.servers[at]);
        wait_until("the replica follows", || is_in_step(primary, replica));
    }
}

fn configuration(port: &str, options: &SentinelOptions<'_>) -> String {
    let mut lines = format!("sentinel monitor {NAME} 127.0.0.1 {port} 2\n");
    let mut add = |line: &str| writeln!(lines, "{line}").expect("a string takes it");
    add(&format!("sentinel down-after-milliseconds {NAME} 500"));
    add(&format!("sentinel failover-timeout {NAME} 2000"));
    if let Some(password) = options.password {
        add(&format!("sentinel auth-pass {NAME} {password}"));
    }
    if let Some(password) = options.sentinel_password {
        add(&format!("requirepass {password}"));
        add(&format!("sentinel sentinel-pass {password}"));
    }
    lines
}

fn run<T: redis::FromRedisValue>(
    server: &RedisServer,
    password: Option<&str>,
    arguments: &[&str],
) -> T {
    server
        .run_as(password, arguments)
        .expect("the command succeeds")
}
