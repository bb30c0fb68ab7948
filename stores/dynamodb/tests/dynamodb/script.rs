use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use aws_sdk_dynamodb::{
    Client, Config,
    config::{BehaviorVersion, Credentials, Region, retry::RetryConfig},
    primitives::{DateTime, DateTimeFormat},
};
use aws_smithy_runtime_api::{
    client::{
        http::{HttpConnector, HttpConnectorFuture, SharedHttpConnector, http_client_fn},
        orchestrator::{HttpRequest, HttpResponse},
    },
    http::StatusCode,
};
use aws_smithy_types::body::SdkBody;
use tower_genesys_dynamodb::DynamoDbStore;

/// Returns scripted answers in turn, without a network.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script(Arc<Mutex<VecDeque<Answer>>>);

#[derive(Debug)]
struct Answer {
    status: u16,
    date: Option<i64>,
    body: String,
}

impl Script {
    /// `date`: its header, in seconds since 1970.
    pub(crate) fn answer(self, status: u16, date: Option<i64>, body: impl Into<String>) -> Self {
        let body = body.into();
        let mut answers = self.0.lock().expect("not poisoned");
        answers.push_back(Answer { status, date, body });
        drop(answers);
        self
    }

    /// An error in DynamoDB's own words.
    pub(crate) fn error(self, status: u16, code: &str, message: &str) -> Self {
        let kind = format!("com.amazonaws.dynamodb.v20120810#{code}");
        let body = format!(r#"{{"__type":"{kind}","message":"{message}"}}"#);
        self.answer(status, None, body)
    }

    pub(crate) fn store(&self) -> DynamoDbStore {
        let script = self.clone();
        let client = http_client_fn(move |_, _| SharedHttpConnector::new(script.clone()));
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new("us-east-1"))
            .credentials_provider(Credentials::new("id", "p4ssw0rd", None, None, "script"))
            .retry_config(RetryConfig::disabled())
            .http_client(client);
        DynamoDbStore::new(Client::from_conf(config.build()), "tokens").expect("it is a name")
    }
}

impl HttpConnector for Script {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let answer = self.0.lock().expect("not poisoned").pop_front();
        let answer = answer.unwrap_or_else(|| panic!("no answer is left for {request:?}"));
        let status = StatusCode::try_from(answer.status).expect("it is a status");
        let mut response = HttpResponse::new(status, SdkBody::from(answer.body));
        if let Some(date) = answer.date {
            let date = DateTime::from_secs(date).fmt(DateTimeFormat::HttpDate);
            response
                .headers_mut()
                .insert("date", date.expect("in range"));
        }
        HttpConnectorFuture::ready(Ok(response))
    }
}
