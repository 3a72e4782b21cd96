//! A tracing subscriber that keeps everything: every level and target, the fields of events and of spans.

use std::{
    fmt::{self, Write},
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use tracing::{
    Dispatch, Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
    subscriber::{DefaultGuard, Interest},
};

/// What was told to tracing on this thread since the capture began.
#[derive(Clone, Default)]
pub(crate) struct Capture {
    records: Arc<Mutex<Vec<Told>>>,
    spans: Arc<AtomicU64>,
}

/// One event, one span, or values that were added to a span.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) target: String,
    /// Name, message and fields as they were given, nothing escaped.
    pub(crate) text: String,
}

impl Capture {
    /// Begins to listen on this thread, until the guard is dropped.
    pub(crate) fn begin() -> (Self, DefaultGuard) {
        LazyLock::force(&SECOND);
        let capture = Self::default();
        let guard = tracing::subscriber::set_default(capture.clone());
        (capture, guard)
    }

    pub(crate) fn records(&self) -> Vec<Told> {
        self.records.lock().unwrap().clone()
    }

    fn keep(&self, metadata: &Metadata<'_>, fields: impl FnOnce(&mut Fields)) {
        let mut text = Fields(format!("{} {}", metadata.level(), metadata.name()));
        fields(&mut text);
        self.records.lock().unwrap().push(Told { target: metadata.target().to_owned(), text: text.0 });
    }
}

impl Subscriber for Capture {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::always()
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        self.keep(attributes.metadata(), |fields| attributes.record(fields));
        Id::from_u64(self.spans.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut fields = Fields("recorded".to_owned());
        values.record(&mut fields);
        self.records.lock().unwrap().push(Told { target: String::new(), text: fields.0 });
    }

    fn event(&self, event: &Event<'_>) {
        self.keep(event.metadata(), |fields| event.record(fields));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// The fields of one record, one after the other.
struct Fields(String);

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        write!(self.0, " {field}={value}").unwrap();
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        write!(self.0, " {field}={value:?}").unwrap();
    }
}

/// Hears nothing. With one subscriber alone, an event that another thread without any tells first would be silent for all.
static SECOND: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(Capture::default()));
