use std::{convert::Infallible, net::Ipv4Addr};

use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::mpsc,
    task::JoinSet,
};
use tower_genesys::{
    BoxError,
    genesys::grants::{LoginCode, LoginRedirectError, LoginRedirectErrorKind, LoginState},
};

const PATH: &str = "/callback";

/// The target of the redirect: a port that only this machine reaches.
pub(crate) struct Callback {
    listener: TcpListener,
    uri: String,
}

type Came = Result<LoginCode, LoginRedirectError>;

impl Callback {
    /// Genesys Cloud has a list of redirect URIs for each OAuth client. So
    /// choose one port, and add its URI to that list. 0 means any free port.
    pub(crate) async fn bind(port: u16) -> Result<Self, BoxError> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let uri = format!("http://{}{PATH}", listener.local_addr()?);
        Ok(Self { listener, uri })
    }

    pub(crate) fn uri(&self) -> &str {
        &self.uri
    }

    /// Waits for the redirect of this login. Any page in the browser can send
    /// other redirects here. They get an error, and change nothing.
    pub(crate) async fn code(&self, state: &LoginState) -> Came {
        let (came, mut first) = mpsc::channel(1);
        let mut connections = JoinSet::new();
        let code = loop {
            tokio::select! {
                Some(code) = first.recv() => break code,
                Ok((stream, _)) = self.listener.accept() => {
                    let (uri, state, came) = (self.uri.clone(), state.clone(), came.clone());
                    connections.spawn(serve(stream, uri, state, came));
                }
            }
        };
        // The browser must get the page before this program ends.
        drop(came);
        connections.join_next().await;
        code
    }
}

async fn serve(stream: TcpStream, uri: String, state: LoginState, came: mpsc::Sender<Came>) {
    let service = service_fn(|request: Request<Incoming>| {
        let (status, text) = answer(&request, &uri, &state, &came);
        let response = Response::builder()
            .status(status)
            .header(header::CONTENT_TYPE, "text/plain; charset=utf-8")
            .header(header::CONNECTION, "close");
        async move {
            Ok::<_, Infallible>(
                response
                    .body(Full::<Bytes>::from(text))
                    .expect("good headers"),
            )
        }
    });
    let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
    if let Err(error) = connection.await {
        eprintln!("a connection of the browser broke: {error}");
    }
}

fn answer(
    request: &Request<Incoming>,
    uri: &str,
    state: &LoginState,
    came: &mpsc::Sender<Came>,
) -> (StatusCode, String) {
    if request.uri().path() != PATH {
        return (StatusCode::NOT_FOUND, "not here".into()); // `/favicon.ico`, for one
    }
    let query = request.uri().query().unwrap_or_default();
    let code = LoginCode::from_redirect(query, uri, state);
    let page = match &code {
        Ok(_) => (
            StatusCode::OK,
            "You are logged in. Close this window.".into(),
        ),
        Err(error) => (StatusCode::BAD_REQUEST, error.to_string()),
    };
    match code {
        Err(error) if error.kind() == LoginRedirectErrorKind::State => {}
        // Only the first one counts.
        code => drop(came.try_send(code)),
    }
    page
}
