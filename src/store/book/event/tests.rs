use std::{
    io,
    sync::{Arc, Mutex},
};

use tracing::{Level, subscriber::with_default};

use super::*;
use crate::lock::lock;

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        lock(&self.0).write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Returns the line that the event logs.
fn logged(event: LimitEvent) -> String {
    // Registers the line before there is a subscriber: a new subscriber then
    // enables it, whichever thread has logged it first.
    event.trace();
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::TRACE)
        .with_ansi(false)
        .with_target(false)
        .without_time()
        .with_writer(move || writer.clone())
        .finish();
    with_default(subscriber, || event.trace());
    let bytes = lock(&log.0).clone();
    String::from_utf8(bytes).expect("text").trim().to_owned()
}

#[test]
fn an_event_that_needs_an_operator_is_a_warning_that_says_why() {
    let wait = Duration::from_secs(2);
    let kind = StoreErrorKind::Timeout;
    for (event, line) in [
        (
            LimitEvent::WaitingBegan {
                limit: 300,
                owners: 2,
                wait,
            },
            "WARN requests wait, since the processes of this client use up its limit \
             event=\"waiting_began\" limit=300 owners=2 wait=2s",
        ),
        (
            LimitEvent::Lowered {
                stated: 300,
                limit: 200,
            },
            "WARN a lower limit than this process has stated is in use; state the same one \
             everywhere event=\"lowered\" stated=300 limit=200",
        ),
        (
            LimitEvent::Failed {
                operation: Operation::Reserve,
                kind,
            },
            "WARN the book of the shared limit failed event=\"failed\" operation=\"reserve\" \
             kind=\"timeout\"",
        ),
        (
            LimitEvent::WentAlone { owners: 2 },
            "WARN the book of the shared limit is out of reach: this process keeps to its share \
             event=\"went_alone\" owners=2",
        ),
        (
            LimitEvent::Replaced { kind },
            "WARN the book of the shared limit was unreadable: this process replaced it \
             event=\"replaced\" kind=\"timeout\"",
        ),
    ] {
        assert_eq!(logged(event), line);
    }
}

#[test]
fn the_other_events_are_logged_below_a_warning_by_their_names() {
    let wait = Duration::from_secs(2);
    for (event, line) in [
        (
            LimitEvent::Learned { limit: 300 },
            "INFO shared limit event=\"learned\" limit=300",
        ),
        (
            LimitEvent::Rejoined {},
            "INFO shared limit event=\"rejoined\"",
        ),
        (
            LimitEvent::Refused { wait },
            "DEBUG shared limit event=\"refused\" wait=2s",
        ),
        (
            LimitEvent::Waited { waited: wait },
            "DEBUG shared limit event=\"waited\" waited=2s",
        ),
        (
            LimitEvent::WentWithout {},
            "DEBUG shared limit event=\"went_without\"",
        ),
        (
            LimitEvent::Reserved {
                slots: 3,
                limit: 300,
                owners: 2,
            },
            "TRACE shared limit event=\"reserved\" slots=3 limit=300 owners=2",
        ),
    ] {
        assert_eq!(logged(event), line);
    }
}
