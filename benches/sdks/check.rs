//! The official SDKs run against the mock: `make sdks`.
//!
//! SDK_PYTHON and SDK_NODE are the programs that run the scripts beside this
//! file.

use std::{env, process::Stdio, time::Duration};

use tokio::{process::Command, time::timeout};
use tower_genesys::{
    BoxError,
    testing::{ANY_API, MockGenesys, TOKEN},
};

/// A script that takes longer hangs.
const LONGEST: Duration = Duration::from_secs(120);

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    for (variable, script) in [("SDK_PYTHON", "check.py"), ("SDK_NODE", "check.cjs")] {
        let program = env::var(variable)
            .map_err(|_| format!("{variable} is not set: run this by `make sdks`"))?;
        let mock = MockGenesys::new();
        let server = mock.serve().await?;
        let file = format!("{}/benches/sdks/{script}", env!("CARGO_MANIFEST_DIR"));
        let child = Command::new(program)
            .arg(file)
            .env("SDK_HOST", server.address().ip().to_string())
            .env("SDK_PORT", server.address().port().to_string())
            .env("SDK_CLIENT_ID", mock.client_id())
            .env("SDK_CLIENT_SECRET", mock.client_secret())
            .env("SDK_INTERVAL", mock.interval())
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .status();
        let status = timeout(LONGEST, child).await??;
        if !status.success() {
            return Err(format!("{script} got something other than it expected").into());
        }
        println!(
            "{script}: {} token requests, {} API calls, {} users created",
            mock.count(TOKEN),
            mock.count(ANY_API),
            mock.created_users()
        );
        assert_eq!(
            (mock.count(TOKEN), mock.created_users(), mock.live_tokens()),
            (1, 1, 0)
        );
    }
    Ok(())
}
