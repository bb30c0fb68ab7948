//! The log of this process, as text.

use std::{
    fmt::{self, Write},
    sync::{Arc, Mutex, OnceLock},
};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

/// Collects all spans and events of this process, at any level. It cannot
/// collect those of one thread only: tracing caches for all threads together
/// whether there is a subscriber.
#[derive(Clone, Default)]
pub(crate) struct Output(Arc<Mutex<String>>);

impl Output {
    /// Collects from now on.
    pub(crate) fn listen() -> Self {
        static OUTPUT: OnceLock<Output> = OnceLock::new();
        let start = || {
            let output = Self::default();
            tracing::subscriber::set_global_default(output.clone()).expect("the only subscriber");
            output
        };
        OUTPUT.get_or_init(start).clone()
    }

    pub(crate) fn text(&self) -> String {
        self.0.lock().unwrap().clone()
    }
}

impl Visit for Output {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let mut text = self.0.lock().unwrap();
        write!(text, "{}={value:?} ", field.name()).unwrap();
    }
}

impl Subscriber for Output {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        span.record(&mut self.clone());
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, values: &span::Record<'_>) {
        values.record(&mut self.clone());
    }

    fn event(&self, event: &Event<'_>) {
        event.record(&mut self.clone());
    }

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}
