//! Writes the conversations of an interval to a file, and counts them by media
//! type and day.
//!
//! ```text
//! cargo run -p conversation_report -- --help
//! ```
//!
//! With `GENESYS_CLIENT_ID`, `GENESYS_CLIENT_SECRET` and `GENESYS_REGION` in
//! the environment, it asks Genesys Cloud. Without them, it starts a mocked
//! Genesys Cloud with trouble: the token expires and is revoked during the run,
//! requests are throttled, and one meets an outage. In both cases it fetches
//! several pages at a time, and no line of the job deals with any of that.
//!
//! It reads an interval of more than seven days in slices of seven, one list of
//! pages after the other. Slices that meet within a day find the same
//! conversations, and each conversation is written once: see `slices.rs`.
//!
//! If you interrupt it with Ctrl-C or `kill -9` and run it again, it continues
//! where it was, and no conversation is lost or written twice: see `output.rs`.

mod args;
mod conversation;
mod demo;
mod failure;
mod interval;
mod logout;
mod output;
mod progress;
mod report;
mod run;
mod slices;
mod state;
mod tally;
mod terminal;
#[cfg(test)]
mod tests;

use std::{error::Error, path::PathBuf, process::ExitCode};

use bytes::Bytes;
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::sync::watch;
use tower::ServiceBuilder;
use tower_genesys::{GenesysLayer, Org, ReplayBody};

use crate::{
    args::Args,
    demo::Demo,
    failure::{Code, Failure},
    interval::Interval,
    progress::Progress,
    report::Report,
    run::Plan,
    tally::Tally,
    terminal::{note, say},
};

type HttpClient = Client<HttpsConnector<HttpConnector>, ReplayBody<Full<Bytes>>>;

/// If any of these is set, the program asks the real Genesys Cloud. Then a
/// missing one is an error.
const CREDENTIALS: [&str; 6] = [
    "GENESYS_API_URL",
    "GENESYS_CLIENT_ID",
    "GENESYS_CLIENT_SECRET",
    "GENESYS_LOGIN_URL",
    "GENESYSCLOUD_OAUTHCLIENT_ID",
    "GENESYSCLOUD_OAUTHCLIENT_SECRET",
];

#[tokio::main]
async fn main() -> ExitCode {
    match start().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            if !failure.is_quiet() {
                note(&format!("error: {failure}"));
            }
            failure.exit_code()
        }
    }
}

async fn start() -> Result<(), Failure> {
    let args = Args::parse(std::env::args_os().skip(1)).map_err(|error| {
        Failure::new(Code::Usage, "the arguments are wrong, see --help").because(error)
    })?;
    if args.help {
        return say(&format!("{}\n", args::HELP));
    }
    let failed = |error| Failure::new(Code::Failed, "the run could not start").because(error);
    let client = client().map_err(failed)?;
    let real = CREDENTIALS
        .iter()
        .any(|name| std::env::var_os(name).is_some());
    let demo = if real {
        None
    } else {
        say(
            "No credentials in the environment: using a mock of Genesys Cloud that makes trouble.\n",
        )?;
        Some(Demo::start().await.map_err(|error| failed(error.into()))?)
    };
    let org = match &demo {
        Some(demo) => demo.org(client.clone()),
        None => Org::from_env(client.clone()).map_err(Into::into),
    };
    let org = org.map_err(failed)?;
    let reported = report(&args, &org, client, demo.as_ref()).await;
    // After a failure or an interruption, too: the next run gets its own token.
    logout::log_out(&org).await;
    reported
}

/// One client for tokens and for the API. It handles proxy and TLS.
fn client() -> Result<HttpClient, Box<dyn Error + Send + Sync>> {
    let https = HttpsConnectorBuilder::new()
        .with_provider_and_webpki_roots(rustls::crypto::ring::default_provider())?
        .https_or_http()
        .enable_all_versions()
        .build();
    Ok(Client::builder(TokioExecutor::new()).build(https))
}

async fn report(
    args: &Args,
    org: &Org,
    client: HttpClient,
    demo: Option<&Demo>,
) -> Result<(), Failure> {
    let format = args.format();
    let interval = match (&args.interval, demo) {
        (Some(interval), _) => interval.clone(),
        (None, Some(demo)) => demo.interval().map_err(|error| {
            Failure::new(Code::Failed, "the run could not start").because(error)
        })?,
        (None, None) => Interval::last_seven_days(),
    };
    let output = args.output.clone().unwrap_or_else(|| {
        let demo = demo.map_or("", |_| "demo-");
        PathBuf::from(format!("{demo}conversations.{format}"))
    });
    // The demo's file contains no work of the user, so a run replaces a
    // complete one.
    let finished = demo.is_some() && args.output.is_none() && !state::path(&output).exists();
    say(&format!(
        "Conversations of {interval}, from {}, to {}\n",
        org.region(),
        output.display()
    ))?;

    // The whole of what this crate asks of a program: a layer around its
    // client.
    let tally = Tally::default();
    let (observed, counted) = (tally.observer(), tally.clone());
    let layer = GenesysLayer::new(org).map_retry(|retry| retry.with_observer(observed));
    let genesys = ServiceBuilder::new()
        .map_response(move |response| {
            counted.add(&response);
            response
        })
        .layer(layer)
        .service(client);

    let plan = Plan {
        interval,
        output: &output,
        format,
        job: args.job,
        restart: args.restart || finished,
    };
    let mut progress = Progress::new();
    let written = run::run(&plan, org, genesys, interrupts(), |headway| {
        progress.set(&headway);
    });
    let written = written.await;
    progress.finish();
    let summary = say(&format!("{}\n", tally.summary(org)));
    let total = written?.total;
    summary?;
    let report = Report::read(&output, format)?;
    say(&report.table(terminal::columns()))?;
    report.check(total)
}

/// Counts Ctrl-C.
fn interrupts() -> watch::Receiver<u32> {
    let (count, interrupts) = watch::channel(0);
    tokio::spawn(async move {
        while tokio::signal::ctrl_c().await.is_ok() {
            note("finishing the page; once more to stop at once");
            count.send_modify(|count| *count += 1);
        }
    });
    interrupts
}
