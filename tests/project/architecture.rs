//! Who may know whom, which crate belongs where, and how large a file may be.

use std::collections::{BTreeMap, BTreeSet};

use super::paths::needs;
use super::sources::{Source, read, sources};

/// Somebody, and who may be known by it.
type Table = &'static [(&'static str, &'static [&'static str])];

/// The import direction: each module and what it may know, its tests included. Nobody knows who stands
/// further down, so that there are no cycles.
const MAY_KNOW: Table = &[
    ("problem", &[]),
    ("address", &[]),
    ("revision", &[]),
    ("release", &[]),
    ("smoke", &[]),
    ("clock", &[]),
    ("shutdown", &[]),
    ("parallel", &[]),
    ("disk", &[]),
    ("tls", &["disk"]),
    ("flow", &["problem"]),
    ("format", &["flow", "problem"]),
    ("picture", &["flow", "problem"]),
    ("config", &["address", "disk", "flow", "format", "problem"]),
    ("record", &["flow", "release", "revision"]),
    ("local", &["disk", "record"]),
    ("source", &["address", "config", "disk", "format", "parallel", "revision", "tls"]),
    ("web", &["config", "tls"]),
    ("tenant", &["address", "clock", "config", "disk", "flow", "format", "parallel", "release", "web"]),
    ("forge", &["config", "flow", "problem", "web"]),
    ("plan", &["config", "flow", "problem", "release", "revision"]),
    ("signature", &["config", "disk"]),
    // Live flows are read by what is known of them: a value of the seam to the tenant, no call.
    ("index", &["disk", "flow", "plan", "problem", "revision", "source", "tenant"]),
    ("deploy", &["clock", "flow", "index", "local", "plan", "record", "release", "revision", "shutdown", "tenant"]),
    ("controller", &[WHOEVER_STANDS_ABOVE]),
    ("serve", &["config", "controller", "forge", "plan", "source", "tenant"]),
    ("notify", &["clock", "config", "controller", "forge", "plan", "problem", "revision", "source", "web"]),
    ("traces", &["problem", "web"]),
    ("demo", &["source", "tenant"]),
    ("cli", &[WHOEVER_STANDS_ABOVE]),
];

/// Where of another room a room may know one path only.
const ONLY_THROUGH: Table = &[("tenant", &["format::cognigy::document"])];

/// Every module that stands above this line of the table.
const WHOEVER_STANDS_ABOVE: &str = "*";

/// The folders inside the rooms, and what each may know of its own room, tests left out. [`OWN`] are the files that lie
/// in the room itself: where it knows no folder, it is a seam that never knows who stands behind it.
const INSIDE: &[(&str, Table)] = &[
    (
        "cli",
        &[
            (OWN, &["arguments", "import", "plan", "pull", "run", "validate"]),
            ("arguments", &[OWN]),
            ("import", &[OWN, "arguments", "pull", "validate"]),
            ("plan", &[OWN, "arguments"]),
            ("pull", &[OWN, "arguments", "validate"]),
            ("run", &[OWN, "arguments"]),
            ("validate", &[OWN, "arguments"]),
        ],
    ),
    ("config", &[(OWN, &["mask", "yaml"]), ("mask", &[]), ("yaml", &[])]),
    ("controller", &[(OWN, &[]), ("run", &[OWN]), ("view", &[OWN]), ("whole", &[])]),
    (
        "flow",
        &[
            (OWN, &["canonical", "document", "lint", "schema"]),
            ("canonical", &[OWN, "document"]),
            ("diff", &[OWN, "document"]),
            ("document", &[OWN]),
            ("lint", &[OWN, "document"]),
            ("overlay", &[OWN, "document"]),
            ("rewrite", &[OWN, "diff", "document"]),
            ("schema", &["document"]),
        ],
    ),
    ("format", &[(OWN, &["cognigy"]), ("cognigy", &[])]),
    ("record", &[(OWN, &["approval", "audit"]), ("approval", &[OWN]), ("audit", &[OWN]), ("proof", &[])]),
    ("forge", &[(OWN, &["hooks", "pulls"]), ("hooks", &[]), ("pulls", &[OWN])]),
    ("notify", &[(OWN, &["message"]), ("message", &[OWN]), ("tests", &[])]),
    ("serve", &[(OWN, &["metrics"]), ("metrics", &[])]),
    ("source", &[(OWN, &[]), ("git", &[OWN]), ("memory", &[OWN])]),
    (
        "tenant",
        &[
            (OWN, &[]),
            ("http", &[OWN]),
            ("cognigy_rest", &[OWN, "http"]),
            ("flows_v2", &[OWN, "http"]),
            ("memory", &[OWN]),
            ("sandbox", &[OWN]),
        ],
    ),
];

/// The files of a room that lie in none of its folders.
const OWN: &str = ".";

/// What stands in `lib.rs` itself and anybody may use.
const AT_THE_ROOT: [&str; 1] = ["error_chain"];

/// Crates that are somebody's own business: the folders or files that may name them.
const BELONGS_TO: &[(&str, &[&str])] = &[
    ("git2", &["src/source/git/", "src/demo/"]),
    ("libgit2_sys", &["src/source/git/global.rs"]),
    ("notify", &["src/disk/watch.rs", "src/source/git/local_watch.rs"]),
    (
        "reqwest",
        &[
            "src/tenant/http/",
            "src/tenant/flows_v2/",
            "src/tenant/cognigy_rest/",
            "src/web/",
            "src/forge/",
            "src/notify/",
            "src/traces/",
        ],
    ),
    ("rustls", &["src/tls/"]),
    ("rustls_platform_verifier", &["src/tls/"]),
    ("webpki", &["src/tls/"]),
    ("axum", &["src/tenant/sandbox/", "src/serve/"]),
    ("hyper", &["src/serve/"]),
    ("hyper_util", &["src/serve/"]),
    ("rustix", &["src/clock.rs", "src/local/", "src/smoke.rs", "src/cli/"]),
    ("prometheus", &["src/serve/metrics/"]),
    ("opentelemetry", &["src/traces/"]),
    ("opentelemetry_proto", &["src/traces/"]),
    ("prost", &["src/traces/"]),
    ("opentelemetry_sdk", &["src/traces/"]),
    ("tracing_opentelemetry", &["src/traces/"]),
    ("clap", &["src/cli/"]),
    ("cronexpr", &["src/config/schedule.rs"]),
    ("indicatif", &["src/cli/"]),
    ("similar", &["src/cli/"]),
    ("petgraph", &["src/plan/"]),
    ("zmij", &["src/flow/canonical/"]),
    (
        "fastrand",
        &[
            "src/clock.rs",
            "src/source/git/chance.rs",
            "src/tenant/http/jitter.rs",
            "src/tenant/sandbox/fault/",
            "src/tenant/sandbox/cognigy_rest/mint.rs",
        ],
    ),
    ("zip", &["src/tenant/cognigy_rest/parcel/", "src/tenant/sandbox/cognigy_rest/parcel/"]),
    ("getrandom", &["src/tenant/sandbox/flows_v2/http/perform.rs"]),
    ("globset", &["src/config/", "src/source/git/"]),
    ("icu_normalizer", &["src/flow/"]),
    ("uuid", &["src/format/", "src/tenant/sandbox/cognigy_rest/mint.rs"]),
    ("xxhash_rust", &["src/index/", "src/tenant/cognigy_rest/parcel/", "src/tenant/flows_v2/"]),
    ("jsonschema", &["src/flow/", "src/config/"]),
    ("serde_yaml", &["src/config/", "src/tenant/sandbox/"]),
];

/// The edges: what touches the world outside, and where it may. Tests are free. (Clocks and the end of
/// the process are guarded by clippy: see `disallowed-methods` in `.clippy.toml`.)
const EDGES: &[(&str, &[&str])] = &[
    ("env::var", &["src/cli/", "src/signature/program.rs", "src/config/proxy.rs", "src/config/secret.rs"]),
    ("env::set_var", &[]),
    ("home_dir", &["src/source/git/home.rs"]),
    ("env::current_dir", &["src/cli/"]),
    ("env::current_exe", &["src/demo/"]),
    ("process::Command", &["src/demo/", "src/signature/program.rs", "src/smoke.rs"]),
    ("fs::write", &["src/cli/", "src/demo/", "src/signature/", "src/source/git/"]),
    (
        "std::fs",
        &[
            "src/cli/",
            "src/config/",
            "src/demo/",
            "src/disk/",
            "src/index/file.rs",
            "src/local/",
            "src/signature/",
            "src/source/git/",
            "src/tenant/",
        ],
    ),
];

/// Pure modules wait for nothing.
const NEVER_ASYNC: [&str; 9] =
    ["address", "flow", "format", "picture", "problem", "revision", "config", "plan", "record"];

/// The engine sees definitions, never JSON: `record` alone knows a shape, its own.
const NEVER_JSON: [&str; 3] = ["plan", "deploy", "controller"];

/// What is shown over HTTP are structs that can be written as JSON; nothing is put together from JSON values.
const NEVER_JSON_VALUES: [&str; 4] = ["serde_json::{", "serde_json::Value", "serde_json::Map", "serde_json::json"];

const LINES_MAX: usize = 500;

#[test]
fn imports_go_one_way() {
    let mut allowed: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (module, known) in MAY_KNOW {
        for other in known.iter().filter(|other| **other != WHOEVER_STANDS_ABOVE) {
            let stands_above = allowed.contains_key(other);
            assert!(stands_above, "the table lets `{module}` know `{other}`, which does not stand above it");
        }
        let everybody = known.contains(&WHOEVER_STANDS_ABOVE);
        let known = if everybody { allowed.keys().copied().collect() } else { known.iter().copied().collect() };
        allowed.insert(module, known);
    }
    let mut wrong = Vec::new();
    for source in sources() {
        let module = source.module();
        if module.is_empty() {
            continue;
        }
        let known = allowed.get(module).unwrap_or_else(|| panic!("`{module}` is missing in the table"));
        for other in known_by(&source) {
            let is_module = allowed.contains_key(other.as_str());
            assert!(is_module || AT_THE_ROOT.contains(&other.as_str()), "{}: what is `crate::{other}`?", source.path);
            if is_module && other != module && !known.contains(other.as_str()) {
                wrong.push(format!("{}: `{module}` must not know `{other}`", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn of_some_rooms_one_path_is_known() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (_, paths) in ONLY_THROUGH.iter().filter(|(module, _)| *module == source.module()) {
            for path in *paths {
                let room = path.split("::").next().unwrap_or(path);
                let whole = format!("crate::{room}");
                let uses = source.code.match_indices(&whole);
                let strays = uses.filter(|(at, _)| !source.code[at + "crate::".len()..].starts_with(path));
                wrong.extend(strays.map(|_| format!("{}: knows `{room}` by another way than `{path}`", source.path)));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn folders_know_what_the_table_says_of_their_room() {
    let sources = sources();
    let found: BTreeSet<(&str, &str)> = sources.iter().map(|source| place(&source.path)).collect();
    let folders = found.into_iter().filter(|(_, folder)| *folder != OWN);
    let listed = INSIDE.iter().flat_map(|(room, folders)| folders.iter().map(move |(folder, _)| (*room, *folder)));
    let listed: BTreeSet<(&str, &str)> = listed.filter(|(_, folder)| *folder != OWN).collect();
    assert_eq!(folders.collect::<BTreeSet<_>>(), listed, "the folders that are there, and those in the table");
    let known_of = |room: &str, folder: &str| {
        let (_, folders) = INSIDE.iter().find(|(name, _)| *name == room)?;
        folders.iter().find(|(name, _)| *name == folder).map(|(_, known)| *known)
    };
    let mut wrong = Vec::new();
    for (file, needed) in needs(&sources) {
        let (room, folder) = place(&file);
        let inside = needed.iter().filter(|other| place(other).0 == room && place(other).1 != folder);
        for other in inside.filter(|other| !known_of(room, folder).is_some_and(|known| known.contains(&place(other).1)))
        {
            wrong.push(format!("{file}: `{room}/{folder}` must not know `{room}/{}` ({other})", place(other).1));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Room and folder of a file; a file that lies in the room itself is in [`OWN`].
fn place(path: &str) -> (&str, &str) {
    let mut parts = path.trim_start_matches("src/").split('/');
    let room = parts.next().unwrap_or_default().trim_end_matches(".rs");
    let below: Vec<&str> = parts.collect();
    if let [folder, _, ..] = below.as_slice() { (room, folder) } else { (room, OWN) }
}

#[test]
fn the_table_names_the_modules_of_the_crate() {
    let lib = read("src/lib.rs");
    let declared: BTreeSet<&str> = lib
        .lines()
        .filter_map(|line| line.trim_start_matches("pub ").strip_prefix("mod ")?.strip_suffix(';'))
        .collect();
    assert_eq!(declared, MAY_KNOW.iter().map(|(module, _)| *module).collect());
}

#[test]
fn crates_and_edges_stay_where_they_belong() {
    let mut wrong = Vec::new();
    for source in sources() {
        let product = &source.code[..source.product];
        let crates = BELONGS_TO.iter().map(|(name, places)| (format!("{name}::"), *places));
        let edges = EDGES.iter().map(|(name, places)| ((*name).to_owned(), *places));
        let modules = |names: &[&str], needle: &str| {
            names.contains(&source.module()).then(|| (needle.to_owned(), &[] as &[&str])).into_iter()
        };
        let never = modules(&NEVER_ASYNC, "tokio::")
            .chain(modules(&NEVER_ASYNC, "async "))
            .chain(modules(&NEVER_JSON, "serde_json"))
            .chain(NEVER_JSON_VALUES.iter().flat_map(|needle| modules(&["serve"], needle)));
        for (needle, places) in crates.chain(edges).chain(never) {
            let at_home = places.iter().any(|place| source.path.starts_with(place));
            if !at_home && names(product, &needle) {
                wrong.push(format!("{}: `{needle}` belongs to {places:?}", source.path));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn no_file_is_long() {
    let long = |path: &String| Some((path.clone(), read(path).lines().count())).filter(|(_, n)| *n > LINES_MAX);
    let paths: Vec<String> = sources().into_iter().map(|source| source.path).collect();
    assert_eq!(paths.iter().filter_map(long).collect::<Vec<_>>(), []);
}

/// Whether `code` has `needle` at the beginning of a word.
fn names(code: &str, needle: &str) -> bool {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    // A module of ours may have the name of a crate.
    let is_ours = |at: usize| code[..at].ends_with("crate::");
    code.match_indices(needle).any(|(at, _)| !code[..at].ends_with(in_word) && !is_ours(at))
}

/// The names at the root of the crate that a file reaches, by `crate::` or by enough `super::`.
fn known_by(source: &Source) -> BTreeSet<String> {
    let mut known = BTreeSet::new();
    for (at, path) in source.code.match_indices("crate::") {
        first_names(&source.code[at + path.len()..], &mut known);
    }
    let mut at = 0;
    while let Some(found) = source.code[at..].find("super::") {
        let start = at + found;
        let mut end = start;
        while source.code[end..].starts_with("super::") {
            end += "super::".len();
        }
        // A module of tests inside a file is one deeper than the file.
        let depth = source.depth() + usize::from(start > source.product && source.product > 0);
        if (end - start) / "super::".len() >= depth {
            first_names(&source.code[end..], &mut known);
        }
        at = end;
    }
    known
}

/// The first name of a path, or of each path in braces.
fn first_names(rest: &str, known: &mut BTreeSet<String>) {
    let name = |text: &str| text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let Some(inside) = rest.strip_prefix('{') else {
        known.insert(name(rest));
        return;
    };
    let mut depth = 0;
    let mut is_first = true;
    for (at, c) in inside.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return,
            '}' => depth -= 1,
            ',' if depth == 0 => is_first = true,
            c if c.is_whitespace() => {}
            _ if is_first => {
                known.insert(name(&inside[at..]));
                is_first = false;
            }
            _ => {}
        }
    }
}

#[test]
fn paths_are_read_as_the_compiler_reads_them() {
    let source = |path: &str, code: &str| Source { path: path.to_owned(), code: code.to_owned(), product: code.len() };
    let names = |source: &Source| known_by(source).into_iter().collect::<Vec<_>>();
    assert_eq!(names(&source("src/a/b.rs", "use crate::{flow::{x, y}, plan};")), ["flow", "plan"]);
    assert_eq!(names(&source("src/a/b.rs", "use super::x; use super::super::plan;")), ["plan"]);
    assert_eq!(names(&source("src/a/mod.rs", "use super::config::Config;")), ["config"]);
    assert_eq!(names(&source("src/a.rs", "crate::error_chain(e)")), ["error_chain"]);
}
