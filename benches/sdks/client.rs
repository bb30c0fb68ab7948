use std::{collections::BTreeMap, process::Stdio, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Request, header::CONTENT_TYPE};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client as HttpClient, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;
use tokio::{process::Command, time::Instant};
use tower::{Layer, ServiceExt};
use tower_genesys::{
    BoxError, Credentials, GenesysLayer, Org, ReplayBody,
    genesys::grants::{AuthorizationCode, LoginCode},
    testing::{MockGenesys, MockServer},
};

use crate::scenario::{Job, Scenario};

const CALLBACK: &str = "https://app.example/callback";

/// A client that takes longer hangs.
const LONGEST: Duration = Duration::from_secs(400);

type Body = Full<Bytes>;
type HyperClient = HttpClient<HttpConnector, ReplayBody<Body>>;

/// The client that does the job.
pub(crate) enum Client {
    /// This crate, over hyper-util's client.
    Ours,
    /// A script beside this file, the program that runs it, and whether it
    /// renews its token on a 401.
    Script {
        program: String,
        file: &'static str,
        renews: bool,
    },
}

/// The outcome, as the client sees it.
pub(crate) struct Went {
    /// The number of requests by their outcome: `ok`, a status, or the name of
    /// an error.
    pub(crate) results: BTreeMap<String, u64>,
    pub(crate) seconds: f64,
}

impl Client {
    pub(crate) async fn run(
        &self,
        scenario: &Scenario,
        mock: &MockGenesys,
        server: &MockServer,
    ) -> Result<Went, BoxError> {
        match self {
            Self::Ours => ours(scenario, mock, server).await,
            Self::Script {
                program,
                file,
                renews,
            } => {
                let mut command = Command::new(program);
                command
                    .arg(format!(
                        "{}/benches/sdks/{file}",
                        env!("CARGO_MANIFEST_DIR")
                    ))
                    .env("SDK_RENEWS", if *renews { "1" } else { "0" });
                script(command, scenario, mock, server).await
            }
        }
    }
}

async fn script(
    mut command: Command,
    scenario: &Scenario,
    mock: &MockGenesys,
    server: &MockServer,
) -> Result<Went, BoxError> {
    if scenario.login {
        command.env("SDK_CODE", mock.issue_code(CALLBACK));
    }
    let job = match scenario.job {
        Job::Get => "get",
        Job::Create => "create",
    };
    let output = command
        .env("SDK_HOST", server.address().ip().to_string())
        .env("SDK_PORT", server.address().port().to_string())
        .env("SDK_CLIENT_ID", mock.client_id())
        .env("SDK_CLIENT_SECRET", mock.client_secret())
        .env("SDK_JOB", job)
        .env("SDK_REQUESTS", scenario.requests.to_string())
        .env("SDK_AT_A_TIME", scenario.at_a_time.to_string())
        .stderr(Stdio::inherit())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(LONGEST, output).await??;
    let last = String::from_utf8(output.stdout)?;
    let last: Value = serde_json::from_str(last.lines().last().ok_or("it printed nothing")?)?;
    Ok(Went {
        results: serde_json::from_value(last["results"].clone())?,
        seconds: last["seconds"].as_f64().ok_or("no time")?,
    })
}

async fn ours(
    scenario: &Scenario,
    mock: &MockGenesys,
    server: &MockServer,
) -> Result<Went, BoxError> {
    let client: HyperClient = HttpClient::builder(TokioExecutor::new()).build_http();
    let org = organisation(scenario, mock, server, &client)?;
    let genesys = GenesysLayer::new(&org).layer(client);
    org.tokens().warm_up().await?;

    let (uri, job) = (org.api("/api/v2/users?pageSize=1")?, scenario.job);
    let attempt = |_| {
        let (genesys, uri) = (genesys.clone(), uri.clone());
        async move {
            let request = match job {
                Job::Get => Request::get(uri).body(Body::default()),
                Job::Create => Request::post(uri)
                    .header(CONTENT_TYPE, "application/json")
                    .body(r#"{"name":"Ada","email":"ada@example.com"}"#.into()),
            };
            let response = genesys.oneshot(request?).await?;
            let status = response.status();
            response.into_body().collect().await?;
            Ok::<_, BoxError>(match status.as_u16() {
                200 | 201 => "ok".to_owned(),
                other => other.to_string(),
            })
        }
    };
    let started = Instant::now();
    let mut results = BTreeMap::new();
    let mut all = stream::iter(0..scenario.requests)
        .map(attempt)
        .buffer_unordered(scenario.at_a_time as usize);
    while let Some(result) = all.next().await {
        let name = result.unwrap_or_else(|_| "error".to_owned());
        *results.entry(name).or_default() += 1;
    }
    let seconds = started.elapsed().as_secs_f64();
    Ok(Went { results, seconds })
}

fn organisation(
    scenario: &Scenario,
    mock: &MockGenesys,
    server: &MockServer,
    client: &HyperClient,
) -> Result<Org, BoxError> {
    let client = client.clone();
    let credentials = Credentials::new(mock.client_id(), mock.client_secret())?;
    let builder = Org::builder(server.region()).allow_loopback();
    if !scenario.login {
        return Ok(builder.credentials(credentials).build(client)?);
    }
    let code = LoginCode::new(mock.issue_code(CALLBACK), CALLBACK);
    let region = server.region();
    let source =
        AuthorizationCode::<_, _, ReplayBody<Body>>::new(region, credentials, code, client);
    Ok(builder.build_from_source(source)?)
}
