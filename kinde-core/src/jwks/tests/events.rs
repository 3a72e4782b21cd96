//! What the log is told, and what it is never told.

use std::fmt;

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    span,
    subscriber::set_default,
};

use super::*;

/// Keeps each event of the key set as one line: level, then fields in order.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<(Level, String)>>>);

impl Log {
    fn line(&self, message: &str) -> Option<(Level, String)> {
        let lines = self.0.lock().unwrap();
        lines.iter().find(|(_, line)| line.contains(&format!("message={message} "))).cloned()
    }
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push_str(&format!("{}={value:?} ", field.name()));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.push_str(&format!("{}={value} ", field.name()));
    }
}

impl Subscriber for Log {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == "kinde_core::jwks"
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap().push((*event.metadata().level(), line.0));
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

/// covers: B6 B19 I5 I6
#[tokio::test]
async fn load_rotation_failure_and_useless_set_are_told_with_escaped_key_ids() {
    let log = Log::default();
    let _guard = set_default(log.clone());
    let provider = Provider::serving(&["a\n\"forged", "b"]);
    let (jwks, clock) = warm_cache(&provider).await;
    let (level, changed) = log.line("key set changed").unwrap();
    assert_eq!(level, Level::INFO);
    assert!(changed.contains("key_count=2 ") && changed.contains(r#"a\n\"forged"#), "{changed}");
    assert!(!changed.contains('\n'));
    let (level, fetched) = log.line("key set fetched").unwrap();
    assert_eq!(level, Level::DEBUG);
    assert!(fetched.contains("issuer=https://acme.kinde.com key_count=2 skipped_count=0 duration_ms=0"));
    log.0.lock().unwrap().clear();
    for (message, level, fields, status, body) in [
        (
            "key set changed",
            Level::INFO,
            "added=c removed=b ",
            200,
            jwks_of(vec![jwk("a\n\"forged"), jwk("c")]),
        ),
        ("key set fetch failed", Level::WARN, "kind=status status=503 ", 503, b"<secret>".to_vec()),
        (
            "key set without a usable key",
            Level::ERROR,
            "kind=no_usable_key cause=malformed, key_type ",
            200,
            jwks_of(vec![json!(null), json!({"kty": "<secret>"})]),
        ),
    ] {
        provider.answers(status, body);
        clock.advance(seconds(300));
        jwks.held_key(Some("c"));
        let_tasks_run().await;
        let (found, line) = log.line(message).unwrap();
        assert!(found == level && line.contains(fields), "{message}: {line}");
    }
    assert!(log.0.lock().unwrap().iter().all(|(_, line)| !line.contains("secret")));
}

/// covers: I6 J9
#[tokio::test]
async fn hostile_set_writes_few_lines_and_an_unchanged_one_no_change() {
    let log = Log::default();
    let _guard = set_default(log.clone());
    let provider = Provider::serving(&[]);
    let bad = (0..400).map(|_| json!({"kty": "oct", "kid": "x".repeat(200)}));
    provider.answers(200, jwks_of(bad.chain([jwk("a")]).collect()));
    let (jwks, clock) = warm_cache(&provider).await;
    assert!(log.0.lock().unwrap().len() <= 10);
    log.0.lock().unwrap().clear();
    clock.advance(seconds(270));
    jwks.held_key(Some("a"));
    let_tasks_run().await;
    assert!(log.line("key set fetched").is_some() && log.line("key set changed").is_none());
}
