use std::{error::Error as _, time::Duration};

use tower_genesys::Org;

use crate::terminal::note;

/// A user who interrupts a run waits no longer than this.
const PATIENCE: Duration = Duration::from_secs(5);

/// Revokes the token of this run, which would live for a day. It prints a
/// failure, and the written report stays a success.
pub(crate) async fn log_out(org: &Org) {
    match tokio::time::timeout(PATIENCE, org.revoke()).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => {
            let cause = error.source().map(|cause| format!(": {cause}"));
            let cause = cause.unwrap_or_default();
            note(&format!(
                "the token of this run still lives: {error}{cause}"
            ));
        }
        Err(_) => note("the token of this run may still live: Genesys Cloud did not answer"),
    }
}
