//! Does an answer of the token endpoint give a token that can be sent, or an error that repeats
//! nothing of it?

use std::{
    convert::Infallible,
    error::Error,
    iter::successors,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use tokio::runtime;
use tower::service_fn;
use tower_genesys::{AccessToken, ClientCredentials, Credentials, Region, TokenCache, TokenError};

use super::answer::{Answer, MARKER};

/// The codes of RFC 6749, section 5.2, which errors do repeat.
const CODES: [&str; 6] = [
    "invalid_client",
    "invalid_grant",
    "unauthorized_client",
    "unsupported_grant_type",
    "invalid_scope",
    "invalid_request",
];

/// So many bytes of an answer are in an error only if they were copied.
const COPIED: usize = 16;

/// Panics if not. The data is an answer: see the seeds.
pub fn check(data: &[u8]) {
    let answer = Arc::new(Answer::read(data));
    let body = answer.body.clone();
    let posts = Arc::new(AtomicUsize::new(0));
    let count = posts.clone();
    let client = service_fn(move |_: Request<Full<Bytes>>| {
        count.fetch_add(1, Ordering::SeqCst);
        let response = answer.response();
        async move { Ok::<_, Infallible>(response) }
    });
    let credentials = Credentials::new("id", "client-secret").expect("they are right");
    let source =
        ClientCredentials::<_, _, Full<Bytes>>::new(Region::US_EAST_1, credentials, client);
    // Paused, so that the attempts of one renewal take no time.
    let runtime = runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build();
    let runtime = runtime.expect("there is a runtime");
    let got = runtime.block_on(async {
        let tokens = TokenCache::new(source);
        tokens.token().await
    });
    assert!((1..=3).contains(&posts.load(Ordering::SeqCst)));
    match got {
        Ok(token) => can_be_sent(&token, &body),
        Err(error) => repeats_nothing(&error, &body),
    }
}

fn can_be_sent(token: &AccessToken, body: &[u8]) {
    let value = token.header_value();
    assert!(value.is_sensitive());
    let sent = value.to_str().expect("visible ASCII");
    let secret = sent.strip_prefix("Bearer ").expect("it is a bearer token");
    assert!(!secret.is_empty());
    let shown = format!("{token:?}");
    assert!(secret.len() < COPIED || !shown.contains(secret), "{shown}");
    assert!(body.windows(12).any(|field| field == b"access_token") || body.contains(&b'\\'));
}

fn repeats_nothing(error: &TokenError, body: &[u8]) {
    let first: &(dyn Error + 'static) = error;
    let mut shown = String::new();
    for cause in successors(Some(first), |error| (*error).source()) {
        shown.push_str(&format!("{cause}\n{cause:?}\n"));
    }
    assert!(!shown.contains(MARKER), "{shown}");
    assert!(!shown.contains("client-secret"), "{shown}");
    for code in CODES {
        shown = shown.replace(code, "\n");
    }
    for part in shown.as_bytes().windows(COPIED) {
        let copied = body.windows(COPIED).any(|window| window == part);
        assert!(!copied, "{:?} in {shown}", String::from_utf8_lossy(part));
    }
}
