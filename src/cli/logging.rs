//! The log on stderr. What a pass says names its environment, and what it says again and again is counted.

use std::collections::HashMap;
use std::fmt::Debug;
use std::io::Write as _;
use std::sync::{Mutex, PoisonError};

use serde_json::{Map, Value, json};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::Context;
use tracing_subscriber::prelude::*;
use tracing_subscriber::registry::LookupSpan;

use super::arguments::{Globals, LogFormat};
use super::line::{About, Line};
use super::repeats::Repeats;
use crate::traces::Listener;

/// Starts logging for this process. Spans are heard by `more` as well.
pub(super) fn start(globals: &Globals, more: Option<Listener>) {
    let level = match (globals.quiet, globals.verbose) {
        (true, _) => LevelFilter::ERROR,
        (false, 0) => LevelFilter::WARN,
        (false, 1) => LevelFilter::INFO,
        (false, _) => LevelFilter::DEBUG,
    };
    let ours = filter_fn(|metadata| metadata.target().starts_with("flowsync"));
    if globals.log_format == LogFormat::Json {
        super::output::say_in_json();
    }
    let log = Log {
        form: globals.log_format,
        color: super::context::color_of(globals, &std::io::stderr()),
        counts: globals.verbose == 0,
        repeats: Mutex::default(),
    };
    let log: Listener = log.with_filter(level).with_filter(ours).boxed();
    let listeners: Vec<Listener> = std::iter::once(log).chain(more).collect();
    // A second start in one process (tests) keeps the first.
    _ = tracing_subscriber::registry().with(listeners).try_init();
}

/// Writes what happens to stderr, a line each.
struct Log {
    form: LogFormat,
    color: bool,
    /// Whether what is said again and again is counted. Whoever wants to hear more hears all of it.
    counts: bool,
    /// By environment.
    repeats: Mutex<HashMap<String, Repeats>>,
}

/// What a span is about.
#[derive(Debug, Default)]
struct Of {
    environment: Option<String>,
    deployment: Option<String>,
}

impl<S: Subscriber + for<'l> LookupSpan<'l>> tracing_subscriber::Layer<S> for Log {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut of = Of::default();
        attributes.record(&mut of);
        if let Some(environment) = &of.environment {
            let mut repeats = self.repeats.lock().unwrap_or_else(PoisonError::into_inner);
            repeats.entry(environment.clone()).or_default().begin_pass();
        }
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(of);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(of) = span.extensions_mut().get_mut::<Of>()
        {
            values.record(of);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut said = Said::default();
        event.record(&mut said);
        let mut of = Of::default();
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(Of { environment, deployment }) = span.extensions().get::<Of>() {
                of.environment = of.environment.or_else(|| environment.clone());
                of.deployment = of.deployment.or_else(|| deployment.clone());
            }
        }
        let metadata = event.metadata();
        let n_times = match &of.environment {
            Some(environment) if self.counts && *metadata.level() <= Level::WARN => {
                let line = format!("{} {} {:?}", metadata.target(), said.message, said.fields);
                let mut repeats = self.repeats.lock().unwrap_or_else(PoisonError::into_inner);
                let Some(n_times) = repeats.entry(environment.clone()).or_default().say(&line) else { return };
                Some(n_times)
            }
            _ => None,
        };
        let about = About { environment: of.environment.as_deref(), deployment: of.deployment.as_deref(), n_times };
        let (level, target) = (metadata.level().as_str(), metadata.target());
        let line = Line { level, target, about, message: &said.message, fields: said.fields };
        let line = match self.form {
            LogFormat::Text => line.text(self.color),
            LogFormat::Json => line.json(),
        };
        _ = super::screen::Stderr.write_all(format!("{line}\n").as_bytes());
    }
}

impl Visit for Of {
    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "environment" => self.environment = Some(value.to_owned()),
            "deployment" => self.deployment = Some(value.to_owned()),
            _ => {}
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.record_str(field, &format!("{value:?}"));
    }
}

/// What an event says.
#[derive(Debug, Default)]
struct Said {
    message: String,
    fields: Map<String, Value>,
}

impl Said {
    fn put(&mut self, field: &Field, value: Value) {
        self.fields.insert(field.name().to_owned(), value);
    }
}

impl Visit for Said {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, json!(value));
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, json!(value));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, json!(value));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, json!(value));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, json!(value));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        } else {
            self.put(field, json!(format!("{value:?}")));
        }
    }
}
