//! A response of the token endpoint gives a token that can be sent, or an error
//! that repeats nothing of it.

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
use serde_json::Value;
use tokio::runtime;
use tower::service_fn;
use tower_genesys::{
    Credentials, Region, TokenCache, TokenError, genesys::grants::ClientCredentials,
    token::AccessToken,
};

use super::answer::{Answer, MARKER};

/// Panics if it does neither. The data is a response, as in the seeds.
pub fn check(data: &[u8]) {
    let answer = Answer::read(data);
    let marked = Answer {
        body: marked(&answer.body).into(),
        ..answer.clone()
    };
    for answer in [answer, marked] {
        match fetch(answer.clone()) {
            Ok(token) => can_be_sent(&token, &answer.body),
            Err(error) => repeats_nothing(&error),
        }
    }
}

/// Returns the same body with the marker in all texts, except for those that
/// must be known words.
fn marked(body: &[u8]) -> Vec<u8> {
    let Ok(Value::Object(mut fields)) = serde_json::from_slice(body) else {
        return [body, MARKER.as_bytes()].concat();
    };
    for (name, value) in &mut fields {
        match value {
            Value::String(text) if name != "error" && name != "token_type" => text.push_str(MARKER),
            _ => {}
        }
    }
    fields.insert("more".into(), MARKER.into());
    Value::Object(fields).to_string().into_bytes()
}

/// Fetches a token from a client that always returns this response.
fn fetch(answer: Answer) -> Result<AccessToken, TokenError> {
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
    let mut runtime = runtime::Builder::new_current_thread();
    let runtime = runtime.enable_time().start_paused(true).build();
    let runtime = runtime.expect("there is a runtime");
    let got = runtime.block_on(async {
        let tokens = TokenCache::new(source);
        tokens.token().await
    });
    // One renewal makes three requests at most.
    assert!((1..=3).contains(&posts.load(Ordering::SeqCst)));
    got
}

/// Checks that a token is a valid header, marked sensitive, and not in `Debug`.
fn can_be_sent(token: &AccessToken, body: &[u8]) {
    let value = token.header_value();
    assert!(value.is_sensitive());
    let sent = value.to_str().expect("visible ASCII");
    let secret = sent.strip_prefix("Bearer ").expect("it is a bearer token");
    assert!(!secret.is_empty());
    let shown = format!("{token:?}");
    assert!(secret.len() < 16 || !shown.contains(secret), "{shown}");
    // The token must come from its own field. An escape may spell the field's
    // name.
    let named = body.windows(12).any(|field| field == b"access_token");
    assert!(named || body.contains(&b'\\'));
}

/// Checks all texts of an error and its sources.
fn repeats_nothing(error: &TokenError) {
    let first: &(dyn Error + 'static) = error;
    let mut shown = String::new();
    for cause in successors(Some(first), |error| (*error).source()) {
        shown.push_str(&format!("{cause}\n{cause:?}\n"));
    }
    assert!(!shown.contains(MARKER), "{shown}");
    assert!(!shown.contains("client-secret"), "{shown}");
}
