//! `flowsync audit`: the audit trail, shown or checked.

use std::fmt;

use serde::Serialize;
use serde_json::json;

use super::arguments::{AuditArgs, AuditCommand, AuditForm, Form};
use super::context::{Context, RealRecords, select, the_one};
use super::output::{self, Failure, complain};
use crate::controller::Verified;
use crate::problem::escape_terminal;
use crate::record::audit::Record;
use crate::source::Source as _;

pub(super) async fn run(context: &Context, arguments: &AuditArgs) -> Result<u8, Failure> {
    match &arguments.command {
        AuditCommand::Show { env, output } => show(context, env.as_deref(), *output).await,
        AuditCommand::Verify { env, output } => verify(context, env.as_deref(), *output).await,
    }
}

/// So many files are in memory at once while they are shown.
const FILES_AT_ONCE: usize = 64;

async fn show(context: &Context, name: Option<&str>, form: AuditForm) -> Result<u8, Failure> {
    let config = context.config()?;
    let records = context.records(the_one(&config, name)?)?;
    let (files, faults) = match records.source.fetch().await?.records {
        Some(tip) => records.trail(&tip).await?,
        None => Default::default(),
    };
    faults.iter().for_each(|fault| complain(&format!("left out: {}", escape_terminal(&fault.0))));
    let mut members = Vec::new();
    for some in files.chunks(FILES_AT_ONCE) {
        let lines = records.trail_records(some).await?;
        match form {
            AuditForm::Json => members.extend(lines.into_iter().map(|record| record.members)),
            AuditForm::Log => lines.iter().for_each(|record| output::print(&log_line(record))),
            AuditForm::Table => lines.iter().for_each(|record| output::print(&row(record))),
        }
    }
    if form == AuditForm::Json {
        output::json(&json!({ "environment": records.environment, "records": members }));
    }
    Ok(0)
}

/// Whether the trail of an environment holds.
#[derive(Serialize)]
struct TrailView {
    environment: String,
    #[serde(flatten)]
    verdict: TrailVerdict,
}

#[derive(Serialize)]
#[serde(untagged)]
enum TrailVerdict {
    /// It was read.
    Checked { valid: bool, records: usize, unsealed: usize, faults: Vec<String> },
    /// It could not be: whether it is valid nobody knows.
    Unchecked { valid: Option<bool>, error: String },
}

async fn verify(context: &Context, name: Option<&str>, form: Form) -> Result<u8, Failure> {
    let config = context.config()?;
    let names: Vec<String> = name.iter().map(|name| (*name).to_owned()).collect();
    let mut views = Vec::new();
    let mut code = 0;
    for (environment, found) in select(&config, &names)? {
        let records = found.and_then(|environment| context.records(environment));
        let checked = match records {
            Ok(records) => faults_of(&records).await,
            Err(failure) => Err(failure),
        };
        let verdict = match checked {
            Ok(Verified { n_records, n_unsealed, faults }) => {
                code = code.max(u8::from(!faults.is_empty()));
                let faults: Vec<String> = faults.into_iter().map(|fault| fault.0).collect();
                TrailVerdict::Checked { valid: faults.is_empty(), records: n_records, unsealed: n_unsealed, faults }
            }
            Err(failure) => {
                code = code.max(output::fail(&failure, context.color()));
                TrailVerdict::Unchecked { valid: None, error: failure.message }
            }
        };
        views.push(TrailView { environment, verdict });
    }
    match form {
        Form::Json => output::json(&json!({ "environments": views })),
        Form::Text => views.iter().for_each(|view| output::print(&view.to_string())),
    }
    Ok(code)
}

/// How many records there are, and what is wrong with them.
async fn faults_of(records: &RealRecords) -> Result<Verified, Failure> {
    // Not by way of the newest manifest: that may be what is wrong.
    match records.source.fetch().await?.records {
        Some(tip) => Ok(records.verify_trail(&tip).await?),
        None => Ok(Verified::default()),
    }
}

impl fmt::Display for TrailView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.environment;
        match &self.verdict {
            TrailVerdict::Unchecked { error, .. } => {
                writeln!(f, "{name}: cannot be checked: {}", escape_terminal(error))
            }
            TrailVerdict::Checked { records, unsealed, faults, .. } if faults.is_empty() => {
                write!(f, "{name}: {records} records, every seal and link holds")?;
                if *unsealed > 0 {
                    write!(f, "; {unsealed} manifests of older versions are not bound by it")?;
                }
                writeln!(f)
            }
            TrailVerdict::Checked { faults, .. } => {
                writeln!(f, "{name}: the trail was tampered with")?;
                faults.iter().try_for_each(|fault| writeln!(f, "  {}", escape_terminal(fault)))
            }
        }
    }
}

fn message(record: &Record) -> String {
    let mut words = vec![record.text("event").to_owned()];
    for key in ["call", "flow", "version", "status", "kind", "result", "live", "note", "reason", "error", "holder"] {
        if !record.text(key).is_empty() {
            words.push(format!("{key}={}", record.text(key)));
        }
    }
    escape_terminal(&words.join(" ")).into_owned()
}

fn level(record: &Record) -> &'static str {
    match (record.text("event"), record.text("result"), record.text("status")) {
        (_, "failed" | "unknown", _) | (_, _, "rolled-back" | "rollback-incomplete") => "ERROR",
        ("restoring" | "overwritten" | "continued", _, _) => "WARN",
        _ => "INFO",
    }
}

fn log_line(record: &Record) -> String {
    format!("{} | {} | {}\n", escape_terminal(record.text("time")), level(record), message(record))
}

fn row(record: &Record) -> String {
    let (time, deployment) = (escape_terminal(record.text("time")), escape_terminal(record.text("deploymentId")));
    format!("{time:30} {deployment} {:>4}  {}\n", record.seq, message(record))
}
