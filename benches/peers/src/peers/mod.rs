//! tower-genesys and its peers, each set up as its docs say.

pub mod azure;
pub mod by_hand;
pub mod cf_gears;
pub mod google;
pub mod ours;
pub mod reqwest_stack;
pub mod tower_retry;
pub mod yup;

/// A runtime with the timers and sockets that the peers need. With 0 `workers`,
/// it runs on this thread.
pub fn runtime(workers: usize) -> tokio::runtime::Runtime {
    let mut builder = match workers {
        0 => tokio::runtime::Builder::new_current_thread(),
        _ => tokio::runtime::Builder::new_multi_thread(),
    };
    let builder = builder.worker_threads(workers.max(1)).enable_all();
    builder.build().expect("a runtime can be built")
}
