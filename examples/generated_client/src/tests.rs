use std::error::Error as _;

use progenitor::progenitor_client::Error;
use tower_genesys::{
    TokenError,
    testing::{CREATE_USER, USERS},
    token::TokenErrorKind,
};

use super::*;

async fn served(mock: &MockGenesys) -> (MockServer, Client) {
    let server = mock.serve().await.unwrap();
    let client = client(mock, &server, &mock.client_secret()).unwrap();
    (server, client)
}

#[tokio::test]
async fn typed_methods_go_through_the_layers() {
    let mock = MockGenesys::builder().users(7).build();
    let (_server, client) = served(&mock).await;
    let page = client.get_users(None, Some(5)).await.unwrap();
    assert_eq!((page.entities.len(), page.total), (5, Some(7)));

    mock.revoke_all();
    let user = CreateUser {
        name: "Ada".into(),
        email: "ada@example.com".into(),
    };
    let ada = client.post_users(&user).await.unwrap().into_inner();
    assert_eq!(
        client.get_user(&ada.id).await.unwrap().name.as_deref(),
        Some("Ada")
    );
    mock.on(USERS).nth(2).reply_503();
    assert_eq!(client.get_users(None, None).await.unwrap().total, Some(8));
    assert_eq!((mock.token_posts(), mock.created_users()), (2, 1));
    assert_eq!(
        (mock.count(CREATE_USER), mock.count(USERS)),
        (2, 3),
        "one replay, one retry"
    );
}

#[tokio::test]
async fn an_error_of_the_api_is_typed() {
    let mock = MockGenesys::new();
    let (_server, client) = served(&mock).await;
    let error = client.get_user("nobody").await.unwrap_err();
    let Error::ErrorResponse(response) = error else {
        panic!("another error: {error:?}");
    };
    assert_eq!(response.status(), 404);
    assert_eq!(response.code.as_deref(), Some("not.found"));
    assert!(response.context_id.is_some());
}

#[tokio::test]
async fn an_error_about_the_token_is_found_in_that_of_the_generated_client() {
    let mock = MockGenesys::new();
    let server = mock.serve().await.unwrap();
    let client = client(&mock, &server, "an-old-secret").unwrap();
    let error = client.get_users(None, None).await.unwrap_err();
    let Error::CommunicationError(error) = error else {
        panic!("another error: {error:?}");
    };
    assert!(error.source().is_some());
    let found = TokenError::find(&error).expect("it is a cause");
    assert_eq!(found.kind(), TokenErrorKind::Denied);
    assert_eq!(mock.api_calls(), 0);
}
