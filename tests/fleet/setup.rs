use std::{collections::BTreeSet, fmt, time::Duration};

use futures_util::future::join_all;
use tower_genesys::testing::{ANY_API, MockGenesys, MockServer, TOKEN};

use crate::{
    fixtures::real_time::wait_within,
    process::{Answer, Process},
    redis_server::{Certificates, RedisServer},
};

/// Keys of a ring, as `id:base64`.
pub(crate) const OLD: &str = "old:AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
pub(crate) const NEW: &str = "new:AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI=";

pub(crate) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// The settings of a process. As text, each has a line.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) login: String,
    pub(crate) api: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: String,
    pub(crate) redis: String,
    /// A key ring, or empty for no sealing.
    pub(crate) keys: String,
    pub(crate) lease: Duration,
    pub(crate) operation_timeout: Duration,
    /// `600 0.25` for the requests in a minute and the burst, `learned`, or
    /// empty for no limit.
    pub(crate) limit: String,
    /// CA, client certificate and key as PEM for TLS, or empty.
    pub(crate) certificates: [String; 3],
}

impl Settings {
    pub(crate) fn parse(text: &str) -> Self {
        let mut lines = text.split('\n').map(str::to_owned);
        let mut next = || lines.next().unwrap();
        Self {
            login: next(),
            api: next(),
            client_id: next(),
            client_secret: next(),
            redis: next(),
            keys: next(),
            lease: millis(next().parse().unwrap()),
            operation_timeout: millis(next().parse().unwrap()),
            limit: next(),
            certificates: [next(), next(), next()].map(|pem| pem.replace('|', "\n")),
        }
    }

    pub(crate) fn with_redis(&self, url: impl Into<String>) -> Self {
        Self {
            redis: url.into(),
            ..self.clone()
        }
    }

    pub(crate) fn with_certificates(&self, by: &Certificates) -> Self {
        let client = by.client();
        Self {
            certificates: [by.pem().to_owned(), client.certificate, client.key],
            ..self.clone()
        }
    }

    pub(crate) fn with_keys(&self, keys: impl Into<String>) -> Self {
        Self {
            keys: keys.into(),
            ..self.clone()
        }
    }

    pub(crate) fn with_lease(&self, lease: Duration) -> Self {
        Self {
            lease,
            ..self.clone()
        }
    }

    pub(crate) fn with_limit(&self, limit: impl Into<String>) -> Self {
        Self {
            limit: limit.into(),
            ..self.clone()
        }
    }

    pub(crate) fn with_operation_timeout(&self, operation_timeout: Duration) -> Self {
        Self {
            operation_timeout,
            ..self.clone()
        }
    }
}

impl fmt::Display for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for line in [
            &self.login,
            &self.api,
            &self.client_id,
            &self.client_secret,
            &self.redis,
            &self.keys,
        ] {
            writeln!(f, "{line}")?;
        }
        let (lease, timeout) = (self.lease.as_millis(), self.operation_timeout.as_millis());
        write!(f, "{lease}\n{timeout}\n{}", self.limit)?;
        for pem in &self.certificates {
            write!(f, "\n{}", pem.replace('\n', "|"))?;
        }
        Ok(())
    }
}

/// A Genesys Cloud, a Redis, and processes that use both.
pub(crate) struct Fleet {
    pub(crate) mock: MockGenesys,
    pub(crate) redis: RedisServer,
    pub(crate) settings: Settings,
    pub(crate) processes: Vec<Process>,
    _server: MockServer,
}

impl Fleet {
    /// A fleet with the defaults of [`Sharing`](tower_genesys::Sharing), except
    /// for the operation timeout: on two cores with fifty processes, a healthy
    /// server may not answer within 150 milliseconds.
    pub(crate) async fn of(processes: usize) -> Self {
        Self::over(MockGenesys::new(), processes).await
    }

    pub(crate) async fn over(mock: MockGenesys, processes: usize) -> Self {
        let server = mock.serve().await.unwrap();
        let (redis, region) = (RedisServer::start(), server.region());
        let settings = Settings {
            login: region.login_base().to_string(),
            api: region.api_base().to_string(),
            client_id: mock.client_id(),
            client_secret: mock.client_secret(),
            redis: redis.url(),
            keys: OLD.into(),
            lease: seconds(10),
            operation_timeout: seconds(2),
            limit: String::new(),
            certificates: Default::default(),
        };
        let mut fleet = Self {
            mock,
            redis,
            settings,
            processes: Vec::new(),
            _server: server,
        };
        fleet.add(processes).await;
        fleet
    }

    /// Adds processes with the current settings.
    pub(crate) async fn add(&mut self, processes: usize) {
        let started = join_all((0..processes).map(|_| Process::start(&self.settings)));
        self.processes.extend(started.await);
    }

    pub(crate) fn posts(&self) -> usize {
        self.mock.token_posts()
    }

    /// Sends a command to all processes at the same time, and waits for all
    /// answers.
    pub(crate) async fn all(&mut self, command: &str) -> Vec<String> {
        let mut answers = Vec::new();
        for process in &mut self.processes {
            answers.push(process.tell(command).await);
        }
        join_all(answers).await
    }

    pub(crate) async fn all_get(&mut self) -> Vec<Answer> {
        let answers = self.all("get").await;
        answers.iter().map(|answer| Answer::parse(answer)).collect()
    }

    /// Has each process send a request, of which none fails.
    pub(crate) async fn all_call(&mut self) -> Vec<Answer> {
        let answers = self.all("call").await;
        let answers: Vec<_> = answers.iter().map(|answer| Answer::parse(answer)).collect();
        answers.iter().for_each(Answer::assert_ok);
        answers
    }

    /// The tokens that the processes send.
    pub(crate) async fn tokens(&mut self) -> BTreeSet<String> {
        let answers = self.all_get().await;
        answers.iter().map(|got| got.token().to_owned()).collect()
    }

    /// The first process that was granted a lease.
    pub(crate) async fn leader(&mut self) -> usize {
        for at in 0..self.processes.len() {
            if self.processes[at].has_led().await {
                return at;
            }
        }
        panic!("no process has a lease");
    }

    /// Has all processes ask for their first token, and kills the one that
    /// requests it. The mock holds the request. Returns the answers of the
    /// others.
    pub(crate) async fn kill_the_first_leader(
        &mut self,
    ) -> Vec<impl Future<Output = String> + use<>> {
        let mut waiting = Vec::new();
        for process in &mut self.processes {
            waiting.push(process.tell("get").await);
        }
        self.mock.wait_for(TOKEN, 1).await;
        let leader = self.leader().await;
        drop(waiting.remove(leader));
        self.processes.remove(leader).kill().await;
        waiting
    }

    /// The name of the token's key in the store.
    pub(crate) fn token_key(&self) -> String {
        let keys = self.redis.keys();
        let key = keys.iter().find(|key| key.ends_with(":token"));
        key.expect("a token").clone()
    }

    /// Waits until all processes have the same token. Returns how long that
    /// took, which is not more than this.
    pub(crate) async fn converge(&mut self, within: Duration) -> Duration {
        wait_within(within, "one token for all", async || {
            self.tokens().await.len() == 1
        })
        .await
    }

    pub(crate) async fn stop_traffic(&mut self) {
        for process in &mut self.processes {
            let (made, _) = process.stop_traffic().await;
            assert!(made > 0);
        }
    }

    /// How many responses of the API were not 200.
    pub(crate) fn refusals(&self) -> usize {
        let refused = |status: http::StatusCode| status != http::StatusCode::OK;
        let requests = self.mock.requests_at(ANY_API);
        assert_eq!(requests.len(), self.mock.api_calls(), "all were kept");
        let statuses = requests.iter().filter_map(|request| request.status());
        statuses.filter(|status| refused(*status)).count()
    }
}
