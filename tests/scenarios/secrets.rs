use std::{fmt::Write as _, time::Duration};

use http::StatusCode;
use tower_genesys::{
    Credentials, GenesysLayer, RetryLayer,
    testing::{TOKEN, USERS as USERS_ROUTE},
    token::TokenProvider,
};

use crate::{
    captured_log::CapturedLog,
    setup::{USERS, after, setup},
};

/// Runs calls through every kind of failure, and writes all that can be shown
/// of them and of the stack. Returns the tokens that were sent.
async fn trouble(shown: &mut String) -> Vec<String> {
    fastrand::seed(1);
    let setup = setup();
    setup
        .mock
        .on(TOKEN)
        .first(3)
        .reply_token_json(r#"{"access_token":"t0p-s3cr3t","token_type":"mac"}"#);
    setup.mock.on(USERS_ROUTE).nth(2).revoke_token();
    setup.mock.on(USERS_ROUTE).nth(4).reply_503();
    setup
        .mock
        .on(USERS_ROUTE)
        .nth(5)
        .reply_429(Duration::from_secs(3));
    setup
        .mock
        .on(USERS_ROUTE)
        .nth(7)
        .reply_429(Duration::from_secs(4000));
    setup.mock.on(USERS_ROUTE).nth(8).reset();
    for _ in 0..8 {
        let result = setup
            .send(setup.get("/api/v2/users?secret-query=t0p-s3cr3t"))
            .await;
        match result {
            Ok(response) => write!(shown, "{response:?}"),
            Err(error) => write!(shown, "{error} {error:?}"),
        }
        .expect("a string takes it");
        after(Duration::from_secs(61)).await;
    }
    let token = setup.org.tokens().token().await.expect("a token");
    setup.mock.rotate_secret("another");
    setup.mock.on(TOKEN).reply_status(StatusCode::UNAUTHORIZED);
    let error = setup
        .org
        .tokens()
        .wait(token.generation())
        .await
        .expect_err("it is refused");
    let credentials = Credentials::new("client-id", "client-secret").expect("well-formed");
    let layer = GenesysLayer::new(&setup.org);
    let retry = RetryLayer::default();
    let tokens = setup.org.tokens();
    let fixed = tower_genesys::token::FixedToken::new("t0p-s3cr3t").expect("a token");
    let issued = tower_genesys::token::IssuedToken::new("t0p-s3cr3t", Duration::from_secs(1));
    let builder = tower_genesys::Org::builder(setup.mock.region()).credentials(credentials.clone());
    write!(
        shown,
        "{token:?} {error} {error:?} {credentials:?} {layer:?} {retry:?} {tokens:?} {fixed:?} \
         {issued:?} {builder:?} {:?} {:?} {:?}",
        setup.org,
        tokens.status(),
        setup.genesys.clone(),
    )
    .expect("a string takes it");
    let requests = setup.mock.requests();
    requests
        .iter()
        .filter_map(|sent| sent.bearer().map(str::to_owned))
        .collect()
}

#[tokio::test(start_paused = true)]
async fn nothing_that_is_shown_or_logged_holds_a_secret_or_a_token() {
    let log = CapturedLog::default();
    let subscriber = log
        .subscriber()
        .with_max_level(tracing::Level::TRACE)
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::FULL)
        .finish();
    let mut shown = String::new();
    let tokens = {
        let _guard = tracing::subscriber::set_default(subscriber);
        trouble(&mut shown).await
    };
    let log = log.text();
    assert!(
        log.contains("token_renewal") && log.contains("retry"),
        "the log is empty: {log}"
    );
    assert_eq!(tokens.len(), 11, "signed requests");
    let everything = format!("{shown}\n{log}");
    let basic = "Y2xpZW50LWlkOmNsaWVudC1zZWNyZXQ";
    let secrets = tokens
        .iter()
        .map(String::as_str)
        .chain(["client-secret", "t0p-s3cr3t", basic]);
    for secret in secrets {
        assert!(!everything.contains(secret), "{secret} is shown");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_renewal_is_logged_with_its_causes() {
    let log = CapturedLog::default();
    let subscriber = log
        .subscriber()
        .with_max_level(tracing::Level::DEBUG)
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let setup = setup();
    setup.mock.on(TOKEN).reset();
    setup.status(USERS).await.expect_err("there is no token");
    let log = log.text();
    let causes = "error.sources=[the mock cut the connection before the response, as a script says, \
                  connection reset]";
    for (event, times) in [("retrying the token request", 2), ("not renewed", 1)] {
        let lines = log.lines().filter(|line| line.contains(event));
        let told: Vec<_> = lines.filter(|line| line.contains(causes)).collect();
        assert_eq!(told.len(), times, "{event}: {log}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_renewal_is_one_span_with_reason_and_outcome() {
    let log = CapturedLog::default();
    let subscriber = log
        .subscriber()
        .with_span_events(tracing_subscriber::fmt::format::FmtSpan::CLOSE)
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let setup = setup();
    setup
        .mock
        .on(TOKEN)
        .nth(2)
        .reply_token_json(r#"{"token_type":"mac"}"#);
    setup
        .mock
        .on(TOKEN)
        .from(3)
        .reply_status(StatusCode::UNAUTHORIZED);
    assert_eq!(setup.status(USERS).await.expect("no error"), 200);
    setup.mock.revoke_all();
    setup.status(USERS).await.expect_err("there is no token");
    let log = log.text();
    let closed: Vec<_> = log.lines().filter(|line| line.contains("close")).collect();
    assert_eq!(closed.len(), 2, "{log}");
    let login = r#"login_host="login.mypurecloud.com""#;
    assert!(
        closed[0].contains(r#"reason="missing""#) && closed[0].contains(login),
        "{log}"
    );
    assert!(closed[0].contains(r#"outcome="renewed""#), "{log}");
    assert!(closed[1].contains(r#"reason="rejected""#), "{log}");
    assert!(closed[1].contains(r#"outcome="unavailable""#), "{log}");
}
