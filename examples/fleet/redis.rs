use std::{
    env, io,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;
use tower_genesys::{BoxError, store::redis::RedisStore};

/// The server in `REDIS_URL`, or one of our own that ends with the program.
pub(crate) struct Redis {
    pub(crate) url: String,
    own: Option<(Child, TempDir)>,
}

impl Redis {
    pub(crate) async fn find_or_start() -> Result<Self, BoxError> {
        if let Ok(url) = env::var("REDIS_URL") {
            // An error names the variable, and does not show the password in it.
            RedisStore::from_env()?.check().await?;
            return Ok(Self { url, own: None });
        }
        let redis = Self::start()?;
        redis.answers().await?;
        Ok(redis)
    }

    /// On a socket in a temporary directory, without persistence.
    fn start() -> Result<Self, BoxError> {
        let directory = tempfile::tempdir()?;
        let socket = directory.path().join("redis.sock");
        let server = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--appendonly", "no"])
            .arg("--unixsocket")
            .arg(&socket)
            .arg("--dir")
            .arg(directory.path())
            .stdout(Stdio::null())
            .spawn();
        let server = server.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => "there is no `redis-server` here, and REDIS_URL is not set: install one (Debian, \
                 Ubuntu: `apt install redis-server`; macOS: `brew install redis`), or set REDIS_URL, \
                 such as redis://localhost:6379"
                .into(),
            _ => BoxError::from(error),
        })?;
        println!("REDIS_URL is not set: started a redis-server for this run.");
        Ok(Self {
            url: format!("unix://{}", socket.display()),
            own: Some((server, directory)),
        })
    }

    /// A server that was just started takes a moment.
    async fn answers(&self) -> Result<(), BoxError> {
        let store = RedisStore::new(self.url.clone())?;
        for _ in 0..100 {
            if store.check().await.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(store.check().await?)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        if let Some((server, _)) = &mut self.own {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}
