use tokio::runtime::Builder;

use super::*;
use crate::store::{Fault, MemoryStore, StoreKey};

const HOUR: Duration = Duration::from_secs(3600);

fn limiter(limit: Limit) -> Limiter {
    let store = MemoryStore::new();
    store.inject_all(Fault::Hang);
    let key = KeySource::Fixed(StoreKey::from_bytes([1; 32]));
    let owner = Owner::from_bytes([1; 16]);
    let limit = limit.with_operation_timeout(HOUR);
    Limiter::new(limit, Arc::new(store), key, owner)
}

#[tokio::test]
async fn a_send_is_let_through_at_once_while_no_limit_is_known() {
    assert!(limiter(Limit::learned()).try_take());
    assert!(!limiter(Limit::per_minute(60)).try_take());
}

#[test]
fn a_reservation_fails_at_once_when_its_runtime_ends() {
    for has_asked in [true, false] {
        let limiter = limiter(Limit::per_minute(60));
        let runtime = Builder::new_current_thread().enable_time().build();
        let runtime = runtime.expect("a runtime");
        let guard = runtime.enter();
        let joined = limiter.join(Instant::now() + HOUR);
        drop(guard);
        if has_asked {
            // The task asks the store, which never replies.
            runtime.block_on(tokio::task::yield_now());
        }
        assert!(matches!(joined, Joined::Queued(..)), "{joined:?}");
        assert!(!limiter.try_take(), "the reply may bring slots");
        drop(runtime);
        // A process that has never reached the book sends without slots.
        assert!(limiter.try_take(), "{has_asked}");
    }
}
