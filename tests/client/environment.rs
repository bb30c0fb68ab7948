use std::env;

use http::StatusCode;
use tower_genesys::client::{ClientBuilder, ClientErrorKind};

use crate::{
    fixtures::child_process,
    setup::{HttpClient, get, setup},
    tinyproxy::{PASSWORD, Tinyproxy, USER},
};

const URL: &str = "TOWER_GENESYS_TEST_URL";
const CA: &str = "TOWER_GENESYS_TEST_CA";

/// Runs the client in child processes: a test may not change the environment of
/// its own process.
#[tokio::test(flavor = "multi_thread")]
async fn the_proxy_of_the_environment_is_used() {
    if let Ok(url) = env::var(URL) {
        return child(&url).await;
    }
    let setup = setup().await;
    let proxy = Tinyproxy::start(setup.port());
    let ca = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(ca.path(), setup.authority.pem()).unwrap();
    let run = |variables: &[(&str, &str)]| {
        let mut command = child_process::command(the_proxy_of_the_environment_is_used);
        for name in ["HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
            command.env_remove(name).env_remove(name.to_lowercase());
        }
        command
            .env(URL, setup.uri().to_string())
            .env(CA, ca.path())
            .envs(variables.iter().copied());
        let output = child_process::output(&mut command);
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let (good, bad) = (proxy.url(USER, PASSWORD), proxy.url(USER, "wr0ng"));

    for (variables, said, asked) in [
        (&[("HTTPS_PROXY", &*good)][..], "status 401", 1),
        (&[("https_proxy", &*good)], "status 401", 2),
        (&[("all_proxy", &*good)], "status 401", 3),
        (
            &[("HTTPS_PROXY", &*good), ("no_proxy", "localhost")],
            "status 401",
            3,
        ),
        (&[("http_proxy", &*good)], "status 401", 3),
        (
            &[("HTTPS_PROXY", &*bad)],
            "user and password in HTTPS_PROXY",
            4,
        ),
        // No host matches this exception. The proxy is used, and the error
        // names the exception.
        (
            &[
                ("HTTPS_PROXY", &*bad),
                ("NO_PROXY", "a.test,https://localhost"),
            ],
            "NO_PROXY names `https://localhost`, which no host can match",
            5,
        ),
    ] {
        let output = run(variables);
        assert!(output.contains(said), "{output}");
        assert!(
            !output.contains("wr0ng") && !output.contains(PASSWORD),
            "{output}"
        );
        assert_eq!(proxy.asked(), asked, "{output}");
    }
    assert_eq!(setup.server.accepted(), 5);
}

async fn child(url: &str) {
    let client: HttpClient = ClientBuilder::new()
        .ca_file(env::var(CA).unwrap())
        .build()
        .unwrap();
    match get(&client, url.parse().unwrap()).await {
        Ok(response) => {
            assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
            println!("status {}", response.status().as_u16());
        }
        Err(error) => {
            assert_eq!(error.kind(), ClientErrorKind::ProxyAuthentication);
            println!("{error} {error:?}");
        }
    }
}

/// Runs the client in child processes. On Linux, the environment names the CAs
/// of the system.
#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn platform_verifier_trusts_the_cas_of_the_system() {
    if let Ok(url) = env::var(URL) {
        let builder = ClientBuilder::new().without_proxy().platform_verifier();
        let client: Result<HttpClient, _> = builder.build();
        match client {
            Err(error) => println!("{:?}: {error}", error.kind()),
            Ok(client) => match get(&client, url.parse().unwrap()).await {
                Ok(response) => println!("status {}", response.status().as_u16()),
                Err(error) => println!("{:?}", error.kind()),
            },
        }
        return;
    }
    let setup = setup().await;
    let folder = tempfile::tempdir().unwrap();
    let (ours, other) = (folder.path().join("ours"), folder.path().join("other"));
    std::fs::write(&ours, setup.authority.pem()).unwrap();
    std::fs::write(&other, crate::tls_server::Authority::new().pem()).unwrap();
    for (file, said) in [
        (&ours, "status 401"),
        (&other, "Certificate"),
        (&folder.path().join("none"), "SSL_CERT_FILE"),
    ] {
        let mut command = child_process::command(platform_verifier_trusts_the_cas_of_the_system);
        command.env(URL, setup.uri().to_string());
        command
            .env("SSL_CERT_FILE", file)
            .env_remove("SSL_CERT_DIR");
        let output = child_process::output(&mut command);
        let shown = String::from_utf8(output.stdout).unwrap();
        assert!(shown.contains(said), "{said}: {shown}");
    }
}
