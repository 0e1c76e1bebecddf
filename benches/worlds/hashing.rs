//! The canonical hash and the offline check, beside openssl and Python.

use std::fmt::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use flowsync::flow::{Comparison, Document};

use crate::Row;
use crate::measure::{median, ms, run};
use crate::world::{binary, flow};

const FLOWS: usize = 2_000;

/// Parse and hash, against hardware SHA-256 of the same bytes and against Python.
pub(crate) fn hash() -> Vec<Row> {
    let folder = tempfile::tempdir().unwrap();
    let flows: Vec<String> = (0..FLOWS).map(|index| flow(index, 0, &[])).collect();
    let bytes: usize = flows.iter().map(String::len).sum();
    let comparison = Comparison::default();
    let ours = quietest(&flows, |flow| {
        std::hint::black_box(Document::parse(flow.as_bytes()).unwrap().equality_hash(&comparison));
    });
    // openssl's own figure leaves out messages of this size, so its library is timed in this process.
    let openssl = quietest(&flows, |flow| _ = std::hint::black_box(openssl::sha::sha256(flow.as_bytes())));
    let ratio = ours.as_secs_f64() / openssl.as_secs_f64();
    let rate = |time: Duration| bytes as f64 / time.as_secs_f64() / 1e6;
    let mut rows = vec![Row {
        what: "canonical hash of flow JSON, parse included".into(),
        against: format!("SHA-256 by openssl of the same bytes: {:.0} MB/s", rate(openssl)),
        reach: "within 4 x".into(),
        measured: format!("{:.0} MB/s = {ratio:.1} x", rate(ours)),
        is_reached: ratio <= 4.0,
    }];
    if let Some(python) = python_hash(folder.path(), &flows) {
        let faster = python.as_secs_f64() / ours.as_secs_f64();
        rows.push(Row {
            what: "the same".into(),
            against: format!("Python json.loads + dumps + hashlib: {:.0} MB/s", rate(python)),
            reach: "5 x faster".into(),
            measured: format!("{faster:.1} x faster"),
            is_reached: faster >= 5.0,
        });
    }
    rows
}

/// The sum of each flow's quickest of seven: what else the machine does falls out.
fn quietest(flows: &[String], mut act: impl FnMut(&str)) -> Duration {
    let once = |flow: &String, act: &mut dyn FnMut(&str)| {
        let start = Instant::now();
        act(flow);
        start.elapsed()
    };
    flows.iter().map(|flow| (0..7).map(|_| once(flow, &mut act)).min().unwrap()).sum()
}

fn python_hash(folder: &Path, flows: &[String]) -> Option<Duration> {
    let file = folder.join("flows.jsonl");
    let text: String = flows.iter().fold(String::new(), |mut text, flow| {
        writeln!(text, "{flow}").unwrap();
        text
    });
    std::fs::write(&file, text).unwrap();
    let program = "import sys, json, hashlib, time\nlines = open(sys.argv[1], encoding='utf-8').read().splitlines()\ndef once(line):\n    start = time.perf_counter()\n    hashlib.sha256(json.dumps(json.loads(line), sort_keys=True).encode()).hexdigest()\n    return time.perf_counter() - start\nprint(sum(min(once(line) for _ in range(7)) for line in lines))";
    python(program, &file)
}

fn python(program: &str, argument: &Path) -> Option<Duration> {
    let output = Command::new("python3").arg("-c").arg(program).arg(argument).output().ok()?;
    let seconds: f64 = String::from_utf8(output.stdout).ok()?.trim().parse().ok()?;
    Some(Duration::from_secs_f64(seconds))
}

/// 10,000 files, against Python's jsonschema on 500 of them.
pub(crate) fn validate() -> Vec<Row> {
    let folder = tempfile::tempdir().unwrap();
    let flows = folder.path().join("flows");
    std::fs::create_dir(&flows).unwrap();
    for index in 0..10_000 {
        std::fs::write(flows.join(format!("{index}.json")), flow(index, 0, &[])).unwrap();
    }
    let once = |_| run(Command::new(binary()).arg("validate").arg(&flows)).wall;
    let ours = median((0..3).map(once).collect());
    let schema = Command::new(binary()).args(["schema", "flow"]).output().unwrap().stdout;
    std::fs::write(folder.path().join("schema.json"), schema).unwrap();
    let program = "import sys, json, time, pathlib\nfrom jsonschema import Draft202012Validator\nfolder = pathlib.Path(sys.argv[1])\nvalidator = Draft202012Validator(json.loads((folder / 'schema.json').read_text()))\nstart = time.perf_counter()\nfor index in range(500): assert not list(validator.iter_errors(json.loads((folder / 'flows' / f'{index}.json').read_text())))\nprint((time.perf_counter() - start) * 20)";
    let Some(python) = python(program, folder.path()) else {
        println!("skipped: Python's jsonschema is not installed");
        return Vec::new();
    };
    let faster = python.as_secs_f64() / ours.as_secs_f64();
    vec![Row {
        what: format!("validate 10,000 files offline: {}", ms(ours)),
        against: format!("Python jsonschema on the same files: {}", ms(python)),
        reach: "30 x faster".into(),
        measured: format!("{faster:.0} x faster"),
        is_reached: faster >= 30.0,
    }]
}
