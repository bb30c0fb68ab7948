use std::time::Duration;

use metrics_exporter_prometheus::PrometheusBuilder;
use tower_genesys::{metrics::CALL_SECONDS, testing::USERS};

use crate::setup::Setup;

/// What a recorder of this thread has counted, in a runtime with a paused
/// clock.
fn recorded(run: impl AsyncFnOnce(&mut Setup)) -> String {
    let buckets = [0.1, 1.0, 10.0];
    let recorder = PrometheusBuilder::new()
        .set_buckets(&buckets)
        .unwrap()
        .build_recorder();
    let handle = recorder.handle();
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_all().start_paused(true).build().unwrap();
    metrics::with_local_recorder(&recorder, || {
        runtime.block_on(async { run(&mut Setup::new()).await });
    });
    handle.render()
}

fn line<'a>(page: &'a str, name: &str, labels: &[&str]) -> Option<&'a str> {
    let of =
        |line: &&str| line.starts_with(name) && labels.iter().all(|label| line.contains(label));
    page.lines().find(of)
}

#[test]
fn durations_are_a_histogram_by_template_and_status_for_calls_and_attempts() {
    let page = recorded(async |setup| {
        setup.mock.on(USERS).delay(Duration::from_secs(2));
        setup
            .mock
            .on(USERS)
            .nth(1)
            .delay(Duration::from_millis(50))
            .reply_503();
        let request = setup.get("/api/v2/users?pageNumber=1");
        assert_eq!(setup.send(request).await.unwrap().status(), 200);
    });
    let of = |scope: &str, status: &str| {
        let labels = [
            format!("scope=\"{scope}\""),
            format!("status=\"{status}\""),
            "template=\"/api/v2/users\"".to_owned(),
            "method=\"GET\"".to_owned(),
        ];
        let labels: Vec<_> = labels.iter().map(String::as_str).collect();
        let count = line(&page, &format!("{CALL_SECONDS}_count"), &labels);
        let within = [labels.as_slice(), &["le=\"1\""]].concat();
        let within = line(&page, &format!("{CALL_SECONDS}_bucket"), &within);
        [count, within].map(|line| line.map(|line| line.rsplit(' ').next().unwrap().to_owned()))
    };
    let number = |text: &str| Some(text.to_owned());
    assert_eq!(of("attempt", "503"), [number("1"), number("1")], "{page}");
    assert_eq!(of("attempt", "200"), [number("1"), number("0")], "{page}");
    assert_eq!(of("call", "200"), [number("1"), number("0")], "{page}");
    assert_eq!(of("call", "503"), [None, None]);
    assert!(!page.contains("pageNumber"));
}

#[test]
fn calls_without_a_template_or_a_status_have_a_label_for_it() {
    let page = recorded(async |setup| {
        let request = setup.get("/api/v2/not/known/ada@example.com");
        let _ = setup.send(request).await;
        let foreign = http::Request::get("https://example.com/x").body(Default::default());
        assert!(setup.send(foreign.unwrap()).await.is_err());
    });
    let other = "template=\"other\"";
    assert!(
        line(&page, CALL_SECONDS, &[other, "status=\"404\""]).is_some(),
        "{page}"
    );
    assert!(
        line(&page, CALL_SECONDS, &[other, "status=\"refused\""]).is_some(),
        "{page}"
    );
    assert!(!page.contains("ada@"));
}
