//! A 401 spares the token only if its Bearer challenge says that the token is
//! not the cause.

use std::{
    convert::Infallible,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header::WWW_AUTHENTICATE};
use tower::{Layer, Service, service_fn};
use tower_genesys::{
    BearerLayer,
    bearer::Origins,
    replay::Renewable,
    token::{AccessToken, FixedToken, Generation, Rejection, TokenProvider},
};

/// Panics if it spares it otherwise. Each line of the data is a
/// `WWW-Authenticate`.
pub fn check(data: &[u8]) {
    let mut challenges = HeaderMap::new();
    for line in data.split(|&byte| byte == b'\n') {
        if let Ok(value) = HeaderValue::from_bytes(line) {
            challenges.append(WWW_AUTHENTICATE, value);
        }
    }
    let (reports, response) = send(&challenges);
    let renewable = response.extensions().get::<Renewable>().is_some();
    match response.extensions().get::<Rejection>() {
        Some(Rejection::Renewing) => assert!(reports == 1 && renewable),
        Some(Rejection::NotTheToken) => {
            assert!(reports == 0 && !renewable);
            assert!(may_spare_the_token(&challenges), "{challenges:?}");
        }
        other => panic!("{other:?}"),
    }

    // Whatever the other challenges say, one that calls the token invalid is
    // enough to renew it.
    let invalid = HeaderValue::from_static("Bearer error=\"invalid_token\"");
    challenges.append(WWW_AUTHENTICATE, invalid);
    assert_eq!(send(&challenges).0, 1);
}

/// Sends one request through the layer, and returns how often the token was
/// reported, and the response.
fn send(challenges: &HeaderMap) -> (usize, Response<()>) {
    let headers = challenges.clone();
    let api = service_fn(move |_: Request<()>| {
        let mut response = Response::new(());
        *response.status_mut() = StatusCode::UNAUTHORIZED;
        *response.headers_mut() = headers.clone();
        async move { Ok::<_, Infallible>(response) }
    });
    let tokens = Counting {
        token: FixedToken::new("s3cr3t").expect("a token"),
        reports: Arc::default(),
    };
    let layer = BearerLayer::new(
        tokens.clone(),
        Origins::of_host("api.mypurecloud.com").expect("a host"),
    );
    let request = Request::get("https://api.mypurecloud.com/")
        .body(())
        .expect("a request");
    let response = layer.layer(api).call(request).now_or_never();
    let response = response.expect("nothing waits").expect("it is sent");
    (tokens.reports.load(Ordering::SeqCst), response)
}

/// Returns whether a challenge names the scheme `Bearer` and one of the codes,
/// in whatever quotes. It errs toward true: the layer parses, this only
/// searches.
fn may_spare_the_token(challenges: &HeaderMap) -> bool {
    challenges.values().any(|value| {
        let plain = value.as_bytes().to_ascii_lowercase();
        let plain: Vec<_> = plain.into_iter().filter(|&byte| byte != b'\\').collect();
        let has = |word: &[u8]| plain.windows(word.len()).any(|window| window == word);
        let codes: [&[u8]; 3] = [
            b"insufficient_scope",
            b"invalid_request",
            b"insufficient_user_authentication",
        ];
        has(b"bearer") && has(b"error") && codes.into_iter().any(has)
    })
}

/// A token that is always valid, and counts how often it is reported.
#[derive(Clone)]
struct Counting {
    token: FixedToken,
    reports: Arc<AtomicUsize>,
}

impl TokenProvider for Counting {
    type Wait = <FixedToken as TokenProvider>::Wait;

    fn try_current(&self) -> Option<AccessToken> {
        self.token.try_current()
    }

    fn wait(&self, past: Generation) -> Self::Wait {
        self.token.wait(past)
    }

    fn report_rejected(&self, _generation: Generation) -> Rejection {
        self.reports.fetch_add(1, Ordering::SeqCst);
        Rejection::Renewing
    }
}
