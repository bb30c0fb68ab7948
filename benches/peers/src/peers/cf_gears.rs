//! cf-gears-toolkit-auth, the nearest crate: a bearer token, and one replay
//! after a 401.

use toolkit_auth::{BearerAuthAutoRefreshLayer, OAuthClientConfig, SecretString, TokenProvider};
use toolkit_http::HttpClientConfig;

use crate::loopback::Server;

/// A provider with a token from the token endpoint of this server. Needs a
/// runtime.
pub async fn tokens(server: Server) -> TokenProvider {
    let config = OAuthClientConfig {
        token_endpoint: Some(server.token_url().parse().expect("a URL")),
        client_id: "client".into(),
        client_secret: SecretString::new("secret"),
        // The only constructor that allows plain HTTP.
        http_config: Some(HttpClientConfig::for_testing()),
        ..OAuthClientConfig::default()
    };
    let tokens = TokenProvider::new(config).expect("the configuration is complete");
    tokens.get().await.expect("the server gives a token");
    tokens
}

pub fn layer(tokens: TokenProvider) -> BearerAuthAutoRefreshLayer {
    BearerAuthAutoRefreshLayer::new(tokens)
}
