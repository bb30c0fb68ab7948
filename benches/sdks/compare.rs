//! The same jobs with this crate and with official SDKs, against the same mock.
//! The README explains them.

mod client;
mod scenario;

use std::{env, fmt::Write, time::Duration};

use tower_genesys::{
    BoxError,
    testing::{MockGenesys, Recorded},
};

use crate::{
    client::{Client, Went},
    scenario::{SCENARIOS, Scenario},
};

/// Requests that arrive within this time count as simultaneous.
const TOGETHER: Duration = Duration::from_millis(500);

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    let only = env::args().nth(1).unwrap_or_default();
    let python = program("SDK_PYTHON");
    let node = program("SDK_NODE");
    let script = |program: &Option<String>, file, renews| {
        let program = program.clone()?;
        Some(Client::Script {
            program,
            file,
            renews,
        })
    };
    let clients = [
        ("tower-genesys", Some(Client::Ours)),
        ("Python SDK", script(&python, "sdk.py", false)),
        (
            "Python SDK, renewing on 401",
            script(&python, "sdk.py", true),
        ),
        ("JavaScript SDK", script(&node, "sdk.cjs", false)),
        (
            "JavaScript SDK, renewing on 401",
            script(&node, "sdk.cjs", true),
        ),
    ];
    println!(
        "| scenario | client | results | seconds | token POSTs | API requests | 429s | most together | users created |"
    );
    println!("|---|---|---|--:|--:|--:|--:|--:|--:|");
    for scenario in SCENARIOS.iter().filter(|it| it.name.contains(&only)) {
        for (name, client) in &clients {
            let Some(client) = client else { continue };
            println!("{}", row(scenario, name, client).await?);
        }
    }
    Ok(())
}

/// The program that runs the scripts. Without it, that SDK is skipped.
fn program(variable: &str) -> Option<String> {
    env::var(variable).ok().filter(|value| !value.is_empty())
}

async fn row(scenario: &Scenario, name: &str, client: &Client) -> Result<String, BoxError> {
    let mock = (scenario.settings)(MockGenesys::builder().users(1)).build();
    (scenario.script)(&mock);
    let server = mock.serve().await?;
    let went = client.run(scenario, &mock, &server).await?;
    let requests = mock.requests();
    Ok(format!(
        "| {} | {name} | {} | {:.1} | {} | {} | {} | {} | {} |",
        scenario.name,
        results(&went),
        went.seconds,
        mock.token_posts(),
        mock.api_calls(),
        throttled(&requests).count(),
        most_together(&requests),
        mock.created_users(),
    ))
}

fn results(went: &Went) -> String {
    let mut text = String::new();
    for (index, (name, count)) in went.results.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        let _ = write!(text, "{comma}{count} {name}");
    }
    text
}

fn throttled(requests: &[Recorded]) -> impl Iterator<Item = &Recorded> {
    let throttled = |it: &&Recorded| it.status().is_some_and(|status| status == 429);
    requests.iter().filter(throttled)
}

/// The most requests within half a second, after the first 429.
fn most_together(requests: &[Recorded]) -> usize {
    let Some(first) = throttled(requests).map(Recorded::arrived).min() else {
        return 0;
    };
    let later: Vec<_> = requests
        .iter()
        .map(Recorded::arrived)
        // Requests that were in flight when the limit was reached do not count.
        .filter(|arrived| *arrived > first + TOGETHER)
        .collect();
    let near = |from: &_| {
        let within = |it: &&_| *it >= from && **it < *from + TOGETHER;
        later.iter().filter(within).count()
    };
    later.iter().map(near).max().unwrap_or(0)
}
