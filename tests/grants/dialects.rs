//! Gateways and servers other than Genesys', with a [`Dialect`].

use base64::{Engine, prelude::BASE64_STANDARD};
use http::{HeaderMap, HeaderValue, StatusCode};
use tower_genesys::{
    Credentials, Org,
    genesys::grants::{
        AuthorizationCode, ClientAuthentication as Way, ClientCredentials, Dialect, LoginCode,
        Saml2Bearer,
    },
    testing::{MockGenesys, TOKEN},
    token::TokenSource,
};

use crate::setup::{Body, CALLBACK, Refreshing, fetch, forms};

const ID: &str = "id with space";
const SECRET: &str = "s:%+&=";

/// A mock that accepts every token request.
fn generous() -> MockGenesys {
    let mock = MockGenesys::new();
    let answer = r#"{"access_token":"t","token_type":"bearer","expires_in":3600}"#;
    let script = mock.on(TOKEN).from(1);
    script.reply(StatusCode::OK, HeaderMap::new(), answer);
    mock
}

fn pair() -> Credentials {
    Credentials::new(ID, SECRET).unwrap()
}

/// The decoded `Basic` authorization of the last request.
fn basic(mock: &MockGenesys) -> Option<String> {
    let sent = mock.requests_at(TOKEN).pop().unwrap();
    let value = sent.headers().get("authorization")?.to_str().unwrap();
    let value = BASE64_STANDARD.decode(value.strip_prefix("Basic ").unwrap());
    Some(String::from_utf8(value.unwrap()).unwrap())
}

async fn asks(mock: &MockGenesys, source: impl TokenSource) {
    let before = mock.token_posts();
    fetch(&source).await.unwrap();
    assert_eq!(mock.token_posts(), before + 1);
}

/// Requests a token with each grant that sends a secret, in this dialect.
async fn ask_by_each_grant(
    mock: &MockGenesys,
    dialect: &Dialect,
    check: impl Fn(&MockGenesys, &str),
) {
    let (region, client) = (mock.region(), mock.service());
    let source = ClientCredentials::<_, _, Body>::new(region.clone(), pair(), client.clone());
    asks(mock, source.with_dialect(dialect.clone())).await;
    check(mock, "client_credentials");
    let source = Refreshing::new(region.clone(), pair(), "r", client.clone());
    asks(mock, source.with_dialect(dialect.clone())).await;
    check(mock, "refresh_token");
    let code = LoginCode::new("c", CALLBACK);
    let source = AuthorizationCode::<_, _, Body>::new(region.clone(), pair(), code, client.clone());
    asks(mock, source.with_dialect(dialect.clone())).await;
    check(mock, "authorization_code");
    let assertions = async || Ok::<_, tower_genesys::BoxError>("PHNhbWwvPg==");
    let source = Saml2Bearer::<_, _, _, Body>::new(region, pair(), "acme", assertions, client);
    asks(mock, source.with_dialect(dialect.clone())).await;
    check(mock, "saml2-bearer");
}

#[tokio::test(start_paused = true)]
async fn id_and_secret_are_sent_plain_form_encoded_or_in_the_form() {
    let mock = generous();
    ask_by_each_grant(&mock, &Dialect::new(), |mock, grant| {
        assert_eq!(basic(mock).unwrap(), format!("{ID}:{SECRET}"), "{grant}");
        assert!(!forms(mock).pop().unwrap().contains_key("client_secret"));
    })
    .await;
    let encoded = Dialect::new().with_client_authentication(Way::FormEncodedBasic);
    ask_by_each_grant(&mock, &encoded, |mock, grant| {
        let expected = "id+with+space:s%3A%25%2B%26%3D";
        assert_eq!(basic(mock).unwrap(), expected, "{grant}");
    })
    .await;
    let post = Dialect::new().with_client_authentication(Way::Post);
    ask_by_each_grant(&mock, &post, |mock, grant| {
        assert_eq!(basic(mock), None, "{grant}");
        let form = forms(mock).pop().unwrap();
        assert_eq!(
            (&*form["client_id"], &*form["client_secret"]),
            (ID, SECRET),
            "{grant}"
        );
    })
    .await;
}

#[tokio::test(start_paused = true)]
async fn each_token_request_has_a_user_agent() {
    let mock = generous();
    let default = concat!("tower-genesys/", env!("CARGO_PKG_VERSION"));
    let own = Dialect::new().with_user_agent(HeaderValue::from_static("acme/7"));
    for (dialect, expected) in [(Dialect::new(), default), (own, "acme/7")] {
        ask_by_each_grant(&mock, &dialect, |mock, grant| {
            let sent = mock.requests_at(TOKEN).pop().unwrap();
            assert_eq!(sent.headers()["user-agent"], expected, "{grant}");
        })
        .await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_organisation_is_built_in_a_dialect() {
    let mock = MockGenesys::new();
    let answer = r#"{"access_token":"t","token_type":"JWT","expires_in":3600}"#;
    mock.on(TOKEN).from(1).reply_token_json(answer);
    let dialect = Dialect::new()
        .with_client_authentication(Way::Post)
        .with_token_type("jwt");
    let org = Org::builder(mock.region())
        .credentials(pair())
        .dialect(dialect)
        .build::<Body>(mock.service())
        .unwrap();
    assert_eq!(org.tokens().token().await.unwrap().expose(), "t");
    assert_eq!(forms(&mock).pop().unwrap()["client_secret"], SECRET);
}
