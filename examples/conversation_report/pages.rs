use std::{collections::VecDeque, error::Error};

use bytes::Bytes;
use futures_util::{StreamExt, stream::FuturesUnordered};
use http::{Request, StatusCode, Uri, header::CONTENT_TYPE};
use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use time::{Duration, OffsetDateTime, format_description::well_known::Rfc3339};
use tokio::task::JoinHandle;
use tower::ServiceExt;
use tower_genesys::{GenesysService, Org};

use crate::{HttpClient, tally::Tally};

/// The API's maximum.
const PAGE_SIZE: u64 = 100;
/// How many pages are asked for at a time.
const IN_FLIGHT: usize = 6;

type Failure = Box<dyn Error + Send + Sync>;

/// The pages of a query, several of them in flight, in the order in which they come.
pub(crate) struct Pages {
    query: Query,
    first: Option<Vec<Value>>,
    waiting: VecDeque<u64>,
    flying: FuturesUnordered<JoinHandle<Result<Page, Failure>>>,
}

#[derive(Clone)]
struct Query {
    genesys: GenesysService<HttpClient>,
    uri: Uri,
    interval: String,
    tally: Tally,
}

struct Page {
    conversations: Vec<Value>,
    total: u64,
}

impl Pages {
    pub(crate) fn new(
        genesys: GenesysService<HttpClient>,
        org: &Org,
        interval: String,
        tally: Tally,
    ) -> Result<Self, Failure> {
        let uri = org.api("/api/v2/analytics/conversations/details/query")?;
        Ok(Self {
            query: Query {
                genesys,
                uri,
                interval,
                tally,
            },
            first: None,
            waiting: VecDeque::new(),
            flying: FuturesUnordered::new(),
        })
    }

    /// Fetches the first page, which tells how many conversations there are.
    pub(crate) async fn total(&mut self) -> Result<u64, Failure> {
        let page = self.query.clone().fetch(1).await?;
        self.waiting = (2..=page.total.div_ceil(PAGE_SIZE)).collect();
        self.first = Some(page.conversations);
        Ok(page.total)
    }

    pub(crate) async fn next(&mut self) -> Result<Option<Vec<Value>>, Failure> {
        while self.flying.len() < IN_FLIGHT {
            let Some(number) = self.waiting.pop_front() else {
                break;
            };
            self.flying
                .push(tokio::spawn(self.query.clone().fetch(number)));
        }
        if let Some(first) = self.first.take() {
            return Ok(Some(first));
        }
        match self.flying.next().await {
            Some(page) => Ok(Some(page??.conversations)),
            None => Ok(None),
        }
    }
}

impl Query {
    async fn fetch(self, number: u64) -> Result<Page, Failure> {
        let query = json!({
            "interval": self.interval,
            "order": "asc",
            "orderBy": "conversationStart",
            "paging": { "pageSize": PAGE_SIZE, "pageNumber": number },
        });
        let request = Request::post(self.uri)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::<Bytes>::from(query.to_string()))?;
        let response = self.genesys.oneshot(request).await?;
        self.tally.add(&response);
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        if status != StatusCode::OK {
            let text = String::from_utf8_lossy(&body);
            return Err(format!("page {number}: {status}: {text}").into());
        }
        let mut page: Value = serde_json::from_slice(&body)?;
        let conversations = match page["conversations"].take() {
            Value::Array(conversations) => conversations,
            _ => Vec::new(), // past the last page there is none
        };
        let total = page["totalHits"]
            .as_u64()
            .ok_or("the answer has no totalHits")?;
        Ok(Page {
            conversations,
            total,
        })
    }
}

/// The seven whole days (UTC) before today.
pub(crate) fn last_seven_days() -> String {
    let end = OffsetDateTime::now_utc().replace_time(time::Time::MIDNIGHT);
    let days = [end - Duration::days(7), end];
    days.map(|day| day.format(&Rfc3339).unwrap_or_default())
        .join("/")
}
