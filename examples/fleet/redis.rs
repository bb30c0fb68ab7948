use std::{
    env, io,
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use tempfile::TempDir;
use tower_genesys::{BoxError, store::redis::RedisStore};

/// The server in `REDIS_URL`, or one that ends with the program.
pub(crate) struct Redis {
    pub(crate) url: String,
    own: Option<(Child, TempDir)>,
}

const MISSING: &str = "there is no `redis-server` here, and REDIS_URL is not set: install one (Debian, Ubuntu: `apt install \
                       redis-server`; macOS: `brew install redis`), or set REDIS_URL, such as redis://localhost:6379";

impl Redis {
    pub(crate) async fn find_or_start() -> Result<Self, BoxError> {
        if let Ok(url) = env::var("REDIS_URL") {
            // An error names the variable, and does not show its password.
            RedisStore::from_env()?.check().await?;
            return Ok(Self { url, own: None });
        }
        let redis = Self::start()?;
        redis.answers().await?;
        Ok(redis)
    }

    fn start() -> Result<Self, BoxError> {
        let directory = tempfile::tempdir()?;
        let url = format!("unix://{}", socket(&directory).display());
        let server = launch(&directory)?;
        println!("REDIS_URL is not set: started a redis-server for this run.");
        Ok(Self {
            url,
            own: Some((server, directory)),
        })
    }

    /// Whether this program started the server, and so may kill it.
    pub(crate) fn is_our_own(&self) -> bool {
        self.own.is_some()
    }

    /// Kills our own server, as a crash does.
    pub(crate) fn kill(&mut self) -> io::Result<()> {
        if let Some((server, _)) = &mut self.own {
            server.kill()?;
            server.wait()?;
        }
        Ok(())
    }

    /// Restarts our own server without data.
    pub(crate) async fn restart(&mut self) -> Result<(), BoxError> {
        if let Some((server, directory)) = &mut self.own {
            *server = launch(directory)?;
        }
        self.answers().await
    }

    /// Waits until a server that has just started answers.
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
        let _ = self.kill();
    }
}

fn socket(directory: &TempDir) -> PathBuf {
    directory.path().join("redis.sock")
}

/// Starts a server on a socket in this directory, without persistence.
fn launch(directory: &TempDir) -> Result<Child, BoxError> {
    let server = Command::new("redis-server")
        .args(["--port", "0", "--save", "", "--appendonly", "no"])
        .arg("--unixsocket")
        .arg(socket(directory))
        .arg("--dir")
        .arg(directory.path())
        .stdout(Stdio::null())
        .spawn();
    server.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => MISSING.into(),
        _ => error.into(),
    })
}
