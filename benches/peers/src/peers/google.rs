//! google-cloud-auth: a token that is renewed in the background, and cannot be
//! discarded.

use google_cloud_auth::credentials::{CacheableResource, Credentials, user_account};
use http::{Extensions, HeaderValue, header::AUTHORIZATION};

use crate::loopback::Server;

/// Credentials with a token from the token endpoint of this server. Needs a
/// runtime.
pub async fn credentials(server: Server) -> Credentials {
    let user = serde_json::json!({
        "client_id": "client",
        "client_secret": "secret",
        "refresh_token": "refresh",
        "type": "authorized_user",
    });
    let builder = user_account::Builder::new(user).with_token_uri(server.token_url());
    let credentials = builder.build().expect("the configuration is complete");
    header(&credentials).await;
    credentials
}

pub async fn header(credentials: &Credentials) -> HeaderValue {
    match credentials.headers(Extensions::new()).await {
        Ok(CacheableResource::New { data, .. }) => data[AUTHORIZATION].clone(),
        Ok(CacheableResource::NotModified) => unreachable!("no entity tag was sent"),
        Err(error) => panic!("{error}"),
    }
}
