//! A login in the browser that lasts from one run to the next.
//!
//! ```text
//! cargo run --all-features --example browser_login
//! ```

mod callback;
mod login;

use bytes::Bytes;
use http::{Request, StatusCode, Uri, header};
use http_body_util::Full;
use tower::{Layer, ServiceExt};
use tower_genesys::{
    BoxError, Client, Credentials, GenesysLayer, Org,
    client::ClientBuilder,
    genesys::login_file::LoginFile,
    testing::{AUTHORIZE, MockGenesys, USERS_ME},
};

use crate::{
    callback::Callback,
    login::{Body, Program},
};

/// The work of the program.
async fn run(
    program: &Program,
    callback: &Callback,
    open: impl Fn(String),
) -> Result<Org, BoxError> {
    let org = program.org(callback, open).await?;
    let genesys = GenesysLayer::new(&org).layer(program.client.clone());
    let request = Request::get(org.api("/api/v2/users/me")?).body(Full::<Bytes>::default())?;
    assert_eq!(genesys.oneshot(request).await?.status(), StatusCode::OK);
    Ok(org)
}

/// Takes the place of a browser and of the person who logs in there. Your
/// program opens the URL with the crate `open` or `webbrowser`, or prints it.
async fn browse(client: Client<Body>, url: String) -> Result<(), BoxError> {
    let get = |uri: &str| {
        let request = Request::get(uri).body(Body::default());
        let client = client.clone();
        async move { Ok::<_, BoxError>(client.oneshot(request?).await?) }
    };
    let response = get(&url).await?;
    assert_eq!(response.status(), StatusCode::FOUND);
    let back = response.headers()[header::LOCATION].to_str()?.to_owned();

    // Another page sends the browser there with another code, and without the
    // state of this login.
    let callback: Uri = back.parse()?;
    let forged = format!(
        "http://{}/callback?code=evil&state=guess",
        callback.authority().ok_or("no host")?
    );
    assert_eq!(get(&forged).await?.status(), StatusCode::BAD_REQUEST);
    assert_eq!(get(&back).await?.status(), StatusCode::OK);
    Ok(())
}

#[tokio::main]
async fn main() -> Result<(), BoxError> {
    // The mock takes the place of Genesys Cloud. Its OAuth client may redirect
    // to this port.
    let callback = Callback::bind(0).await?;
    let mock = MockGenesys::builder().redirect_uri(callback.uri()).build();
    let (server, home) = (mock.serve().await?, tempfile::tempdir()?);
    let client: Client<Body> = ClientBuilder::new().allow_loopback().build()?;
    let program = Program {
        region: server.region(),
        credentials: Credentials::new(mock.client_id(), mock.client_secret())?,
        client: client.clone(),
        file: home.path().join("browser_login").join("login"),
    };

    let open = |url: String| {
        println!("log in at {}", url.split('?').next().unwrap_or_default());
        let browsing = browse(client.clone(), url);
        tokio::spawn(async { browsing.await.expect("the browser comes back") });
    };
    run(&program, &callback, open).await?;
    let org = run(&program, &callback, |_| panic!("the login lasts")).await?;
    assert_eq!(
        (
            mock.count(AUTHORIZE),
            mock.token_posts(),
            mock.count(USERS_ME)
        ),
        (1, 2, 2)
    );

    // To log out: the token ends at the service, the refresh token here.
    org.revoke().await?;
    LoginFile::unsealed(&program.file)?.remove().await?;
    assert!(!program.file.exists());
    println!("two runs, one login in the browser");
    Ok(())
}
