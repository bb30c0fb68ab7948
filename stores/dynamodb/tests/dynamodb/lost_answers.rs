use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use aws_sdk_dynamodb::{
    Client,
    config::{HttpClient, RuntimeComponents, SharedHttpClient, retry::RetryConfig},
    error::ConnectorError,
};
use aws_smithy_runtime_api::client::{
    http::{
        HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
        http_client_fn,
    },
    orchestrator::HttpRequest,
};
use tower_genesys::store::{Lookup, Publication, TokenStore};
use tower_genesys_dynamodb::DynamoDbStore;

use crate::{
    emulator::create_table,
    setup::{claim, client, entry, key, lease, name},
};

/// Executes the next `PutItem`, and loses its answer.
#[derive(Clone, Debug, Default)]
struct Lossy(Arc<AtomicBool>);

#[derive(Debug)]
struct LossyConnector(SharedHttpConnector, Lossy);

impl HttpConnector for LossyConnector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let loses = target.ends_with("PutItem") && self.1.0.swap(false, Ordering::SeqCst);
        let sent = self.0.call(request);
        HttpConnectorFuture::new(async move {
            let response = sent.await;
            match loses {
                true => Err(ConnectorError::io("the connection broke".into())),
                false => response,
            }
        })
    }
}

/// A store on one table, whose answers can be lost.
async fn lossy_store() -> (DynamoDbStore, Lossy) {
    let (plain, name, lossy) = (client(), name(), Lossy::default());
    create_table(&plain, &name, "key").await.expect("a table");
    let (http, switch) = (
        aws_smithy_http_client::Builder::new().build_http(),
        lossy.clone(),
    );
    let connect = move |settings: &HttpConnectorSettings, components: &RuntimeComponents| {
        let inner = SharedHttpClient::http_connector(&http, settings, components);
        SharedHttpConnector::new(LossyConnector(inner, switch.clone()))
    };
    let retry = RetryConfig::standard().with_initial_backoff(Duration::from_millis(1));
    let config = plain.config().to_builder().retry_config(retry);
    let client = Client::from_conf(config.http_client(http_client_fn(connect)).build());
    (
        DynamoDbStore::new(client, name).expect("it is a name"),
        lossy,
    )
}

#[tokio::test]
async fn a_lease_whose_answer_was_lost_is_granted_to_the_one_who_has_it() {
    let (store, lossy) = lossy_store().await;
    lossy.0.store(true, Ordering::SeqCst);
    let mine = claim();
    let lent = lease(&store, &mine).await;
    assert!(!lossy.0.load(Ordering::SeqCst), "one was lost");
    let found = store.get_or_lease(&key(), &claim()).await;
    assert!(matches!(found, Ok(Lookup::Busy(_))), "{found:?}");
    assert_eq!(lease(&store, &mine).await, lent, "the same fence");
}

#[tokio::test]
async fn a_token_whose_answer_was_lost_is_there_once_and_its_lease_is_over() {
    let (store, lossy) = lossy_store().await;
    let lent = lease(&store, &claim()).await;
    lossy.0.store(true, Ordering::SeqCst);
    // The retry finds the token that the first write stored.
    match store.publish(&key(), &lent, &entry(&lent)).await {
        Ok(Publication::Superseded(found)) => assert_eq!(found.fence, lent.fence),
        other => panic!("its own token was expected: {other:?}"),
    }
    let mut newer = claim();
    newer.at_least = lent.fence.next();
    assert!(lease(&store, &newer).await.fence > lent.fence);
}
