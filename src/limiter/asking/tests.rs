use std::sync::atomic::{AtomicU8, Ordering::SeqCst};

use tokio::time::advance;

use super::*;
use crate::store::MemoryStore;

const MOMENT: Duration = Duration::from_millis(1);

/// Returns a different key each time it is asked.
fn counted() -> KeySource {
    let reads = AtomicU8::new(0);
    KeySource::Asked(Arc::new(move || {
        let number = reads.fetch_add(1, SeqCst);
        Box::pin(async move { Ok(key(number)) })
    }))
}

fn key(number: u8) -> StoreKey {
    StoreKey::from_bytes([number; 32])
}

#[tokio::test(start_paused = true)]
async fn the_credentials_are_read_again_when_the_key_is_ten_minutes_old() {
    let owner = Owner::from_bytes([1; 16]);
    let desk = Desk::new(Arc::new(MemoryStore::new()), counted(), owner, MOMENT);
    assert_eq!(desk.key().await, Ok(key(0)));
    advance(Duration::from_secs(600) - MOMENT).await;
    assert_eq!(desk.key().await, Ok(key(0)));
    advance(MOMENT).await;
    assert_eq!(desk.key().await, Ok(key(1)));
    assert_eq!(desk.key().await, Ok(key(1)));
}

#[tokio::test(start_paused = true)]
async fn credentials_that_cannot_be_read_again_delay_one_reservation_in_ten_minutes() {
    let reads = Arc::new(AtomicU8::new(0));
    let count = reads.clone();
    let source = KeySource::Asked(Arc::new(move || {
        let is_first = count.fetch_add(1, SeqCst) == 0;
        Box::pin(async move {
            match is_first {
                true => Ok(key(0)),
                false => std::future::pending().await,
            }
        })
    }));
    let owner = Owner::from_bytes([1; 16]);
    let desk = Desk::new(Arc::new(MemoryStore::new()), source, owner, MOMENT);
    assert_eq!(desk.key().await, Ok(key(0)));
    for expected in [2, 3] {
        advance(Duration::from_secs(600)).await;
        for waits in [IDENTIFY_TIMEOUT, Duration::ZERO, Duration::ZERO] {
            let started = Instant::now();
            assert_eq!(desk.key().await, Ok(key(0)));
            assert_eq!(started.elapsed(), waits);
        }
        assert_eq!(reads.load(SeqCst), expected);
    }
}
