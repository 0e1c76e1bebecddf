//! From the files of a folder to the flow, with everything that is wrong by file and line.

use std::collections::BTreeSet;

use serde_json::Value;

use super::HEAD;
use super::code::{LineEnd, check_path, of_file};
use super::layout::Layout;
use super::parts::{Parts, error};
use crate::flow::{Document, FlowId, Kind, Node as Json, Unit, push_index, push_key, quoted};
use crate::format::cognigy::document::{DocumentFault, Flow, FlowRef, LocaleName, NodeRef, Target};
use crate::problem::{Place, Problem, Rule, Severity};

/// What a folder says.
#[derive(Debug, Clone, Default)]
pub struct Composition {
    /// The flow and how it stands in its folder; absent where there are errors.
    pub flow: Option<(Flow, Layout)>,
    /// The flow's id and where it stands, as soon as it can be read.
    pub id: Option<(FlowId, Place)>,
    /// What is wrong, sorted.
    pub problems: Vec<Problem>,
    /// Where its nodes lead to, and where that is said.
    pub targets: Vec<(Target, Place)>,
}

/// Gives a node that a person wrote by hand an identity.
type Fresh<'f> = &'f mut dyn FnMut() -> NodeRef;

/// Composes the files of a folder. With `fresh`, a node without a reference id gets one; without, it is an error.
#[must_use]
pub fn compose(unit: &Unit, fresh: Option<Fresh<'_>>) -> Composition {
    let (parts, mut problems) = Parts::read(unit);
    let Some(parts) = parts else {
        problems.sort();
        return Composition { problems, ..Composition::default() };
    };
    let id = id_of(&parts);
    let mut composer = Composer::new(&parts, fresh);
    composer.root(parts.flow.root());
    composer.leftovers(unit);
    let Composer { out, layout, problems: found, .. } = composer;
    problems.extend(found);
    let flow = match Document::parse(out.into_bytes()) {
        Ok(document) => Flow::read(&document)
            .map_err(|faults| problems.extend(faults.into_iter().map(|it| problem(&parts, it))))
            .ok(),
        // Its parts are well-formed, so that only its depth or its size can be at fault.
        Err(refused) => {
            let first = refused.faults.first();
            let message = first.map(|it| it.message.clone()).unwrap_or_default();
            let rule = first.map_or(Rule::TooLarge, |it| it.rule);
            problems.push(error(parts.place(""), rule, &message, "of the flow with all its locales and code"));
            None
        }
    };
    problems.sort();
    let is_whole = !problems.iter().any(Problem::is_error);
    let flow = flow.filter(|_| is_whole);
    let targets = flow.iter().flat_map(Flow::targets);
    let targets = targets.map(|it| (parts.place(&format!("{}/node", it.pointer)), it)).map(|(place, it)| (it, place));
    let targets = targets.collect();
    Composition { flow: flow.map(|flow| (flow, layout)), id, problems, targets }
}

/// Where the files of a folder say what its composed document says at a pointer; `None` where they cannot be read.
#[must_use]
pub fn place_of(unit: &Unit, pointer: &str) -> Option<Place> {
    Parts::read(unit).0.map(|parts| parts.place(pointer))
}

fn id_of(parts: &Parts<'_>) -> Option<(FlowId, Place)> {
    let reference: FlowRef = parts.flow.text_member("referenceId")?.parse().ok()?;
    Some((reference.flow_id(), parts.place_in(HEAD, "/referenceId")))
}

fn problem(parts: &Parts<'_>, fault: DocumentFault) -> Problem {
    let DocumentFault { pointer, rule, message, help } = fault;
    error(parts.place(&pointer), rule, &message, &help)
}

/// Members of `flow.json` that only it has.
const ONLY_HEAD: [&str; 2] = ["$schema", "locale"];
/// Members of the composed document that only it has.
const ONLY_COMPOSED: [&str; 2] = ["id", "externalReferences"];

struct Composer<'p, 'u, 'f> {
    parts: &'p Parts<'u>,
    fresh: Option<Fresh<'f>>,
    /// The composed document so far, in the order of the files.
    out: String,
    layout: Layout,
    problems: Vec<Problem>,
    /// Where it is in `flow.json`.
    pointer: String,
    /// The nodes so far.
    nodes: BTreeSet<String>,
    /// The files of code that were read.
    code: BTreeSet<String>,
}

impl<'p, 'u, 'f> Composer<'p, 'u, 'f> {
    fn new(parts: &'p Parts<'u>, fresh: Option<Fresh<'f>>) -> Self {
        let mut layout = Layout::new(parts.locale.clone());
        layout.schema = parts.flow.text_member("$schema").map(std::borrow::Cow::into_owned);
        layout.locales = parts.locales.iter().map(|(locale, (file, _))| (locale.clone(), file.clone())).collect();
        let (out, pointer, problems) = (String::new(), String::new(), Vec::new());
        Self { parts, fresh, out, layout, problems, pointer, nodes: BTreeSet::new(), code: BTreeSet::new() }
    }

    fn root(&mut self, root: Json<'_>) {
        if root.kind() != Kind::Object {
            return self.raw(root);
        }
        self.out.push('{');
        let mut is_first = true;
        for (key, value) in root.entries().filter(|(key, _)| !ONLY_HEAD.contains(&&**key)) {
            if ONLY_COMPOSED.contains(&&*key) {
                self.at(&key, |it| {
                    it.error(
                        Rule::UnknownMember,
                        &format!("expected a known member, found `{key}`"),
                        "remove it: it follows from the rest",
                    )
                });
                continue;
            }
            self.key(&key, std::mem::take(&mut is_first));
            self.at(&key, |it| match &*key {
                "attachedFlows" | "attachedLexicons" => it.list(value, Self::attachment),
                "chart" => it.list(value, Self::node),
                _ => it.raw(value),
            });
        }
        self.out.push('}');
    }

    /// `{"ref": …, "name": …}`, of which the name is a hint.
    fn attachment(&mut self, json: Json<'_>) {
        let Some(reference) = json.member("ref") else { return self.raw(json) };
        self.raw(reference);
        for (key, _) in json.entries().filter(|(key, _)| !["ref", "name"].contains(&&**key)) {
            let message = format!("expected `ref` and `name`, found {}", quoted(&key));
            self.at(&key, |it| it.error(Rule::UnknownMember, &message, "remove it"));
        }
        if let (Some(reference), Some(name)) = (reference.as_str(), json.member("name").and_then(Json::as_str)) {
            self.layout.names.insert(reference.into_owned(), name.into_owned());
        }
    }

    fn node(&mut self, json: Json<'_>) {
        if json.kind() != Kind::Object {
            return self.raw(json);
        }
        self.out.push('{');
        let written = json.member("ref").and_then(Json::as_str).map(std::borrow::Cow::into_owned);
        let mut is_first = true;
        let reference = match (&written, json.member("ref"), &mut self.fresh) {
            (None, None, Some(fresh)) => {
                let reference = fresh().to_string();
                self.key("ref", std::mem::take(&mut is_first));
                self.out.push_str(&format!("\"{reference}\""));
                Some(reference)
            }
            _ => written,
        };
        for (key, value) in json.entries() {
            match &*key {
                "config" | "code" => continue,
                "to" => {
                    self.hint(reference.as_deref(), value);
                    continue;
                }
                _ => self.key(&key, std::mem::take(&mut is_first)),
            }
            self.at(&key, |it| match &*key {
                "branches" | "body" => it.list(value, Self::node),
                _ => it.raw(value),
            });
        }
        self.configs(json, reference, is_first);
        self.out.push('}');
    }

    fn hint(&mut self, reference: Option<&str>, value: Json<'_>) {
        match (reference.and_then(|it| it.parse().ok()), value.as_str()) {
            (Some(reference), Some(text)) => _ = self.layout.to.insert(reference, text.into_owned()),
            (_, None) => self.at("to", |it| it.error(Rule::WrongType, "expected a text", "`flowsync fmt` writes it")),
            (None, Some(_)) => {}
        }
    }

    /// The settings of a node in every locale that has some.
    fn configs(&mut self, json: Json<'_>, reference: Option<String>, is_first: bool) {
        let kind = json.member("type").and_then(Json::as_str).unwrap_or_default();
        let (config, code) = (json.member("config"), json.member("code"));
        let mut found: Vec<(LocaleName, String)> = Vec::new();
        if config.is_some() || code.is_some() {
            let code = code.map(|code| self.at("code", |it| it.code(HEAD, code, reference.as_deref(), None)));
            found.push((self.layout.locale.clone(), self.merged(config, code, HEAD)));
        }
        let parts = self.parts;
        for (locale, (file, document)) in reference.iter().flat_map(|_| &parts.locales) {
            let Some(config) = reference.as_deref().and_then(|reference| document.root().member(reference)) else {
                continue;
            };
            let code = config.member("code").filter(|code| kind == "code" && code.kind() == Kind::Object);
            let before = std::mem::take(&mut self.pointer);
            self.pointer = format!("/{}", reference.as_deref().unwrap_or_default());
            let code = code.map(|code| self.at("code", |it| it.code(file, code, reference.as_deref(), Some(locale))));
            let text = match code {
                Some(code) => without_code(config, code.as_deref()),
                None => raw_text(config),
            };
            self.pointer = before;
            found.push((locale.clone(), text));
        }
        self.nodes.extend(reference);
        if found.is_empty() {
            return;
        }
        self.key("config", is_first);
        self.out.push('{');
        for (index, (locale, config)) in found.into_iter().enumerate() {
            self.key(locale.as_str(), index == 0);
            self.out.push_str(&config);
        }
        self.out.push('}');
    }

    /// The settings in `flow.json`, with the code that stands beside them.
    fn merged(&mut self, config: Option<Json<'_>>, code: Option<Option<String>>, file: &str) -> String {
        let Some(code) = code else { return config.map(raw_text).unwrap_or_default() };
        match config {
            None => without_code_of(std::iter::empty(), code.as_deref()),
            Some(config) if config.kind() != Kind::Object => raw_text(config),
            Some(config) => {
                if config.member("code").is_some() {
                    let place = self.parts.place_in(file, &format!("{}/config/code", self.pointer));
                    let message = "expected the code once, found it in `config` and in `code`";
                    self.problems.push(error(place, Rule::DuplicateKey, message, "remove one of them"));
                }
                without_code(config, code.as_deref())
            }
        }
    }

    /// `{"file": …, "eol": …}`, as the text of the file; `None` where it cannot be had, which is a problem.
    fn code(&mut self, file: &str, json: Json<'_>, node: Option<&str>, locale: Option<&LocaleName>) -> Option<String> {
        let end = match json.member("eol").map(|eol| eol.as_str()) {
            None => LineEnd::Lf,
            Some(Some(eol)) if eol == "crlf" => LineEnd::CrLf,
            Some(_) => return self.wrong(file, "eol", Rule::UnknownValue, "expected `eol: crlf`, or none for `lf`"),
        };
        if let Some((key, _)) = json.entries().find(|(key, _)| !["file", "eol"].contains(&&**key)) {
            return self.wrong(file, &key, Rule::UnknownMember, "expected `file` and `eol` and nothing else");
        }
        let Some(path) = json.member("file").and_then(Json::as_str).map(std::borrow::Cow::into_owned) else {
            return self.wrong(file, "file", Rule::MissingMember, "expected `file`, the path of a file in `code/`");
        };
        if let Err(message) = check_path(&path) {
            return self.wrong(file, "file", Rule::CodeFileMissing, &message);
        }
        let Some(bytes) = self.parts.bytes(&path) else {
            return self.wrong(
                file,
                "file",
                Rule::CodeFileMissing,
                &format!("expected the file {}, found none", quoted(&path)),
            );
        };
        self.code.insert(path.clone());
        if let Some(node) = node.and_then(|node| node.parse().ok()) {
            let locale = locale.unwrap_or(&self.layout.locale).clone();
            self.layout.code.insert((node, locale), path.clone());
        }
        of_file(bytes, end)
            .map_err(|message| {
                self.problems.push(error(
                    self.parts.place_of_file(&path),
                    Rule::InvalidUtf8,
                    &message,
                    "save the file as UTF-8",
                ));
            })
            .ok()
    }

    fn wrong<T>(&mut self, file: &str, key: &str, rule: Rule, message: &str) -> Option<T> {
        let pointer = format!("{}/{key}", self.pointer);
        self.problems.push(error(self.parts.place_in(file, &pointer), rule, message, ""));
        None
    }

    /// What belongs to no node.
    fn leftovers(&mut self, unit: &Unit) {
        for (file, document) in self.parts.locales.values() {
            for (key, _) in document.root().entries().filter(|(key, _)| !self.nodes.contains(&**key)) {
                let mut pointer = String::new();
                push_key(&mut pointer, &key);
                let message = format!("expected the `ref` of a node of this flow, found {}", quoted(&key));
                let help = "remove the entry, or mend the id";
                self.problems.push(error(self.parts.place_in(file, &pointer), Rule::LocaleUnknownNode, &message, help));
            }
        }
        for path in unit.files.keys().filter(|path| path.starts_with("code/") && !self.code.contains(*path)) {
            let place = self.parts.place_of_file(path);
            let message = "expected a node with this code, found none".to_owned();
            let help = "remove the file, or name it in a node's `code`".to_owned();
            self.problems.push(Problem {
                place,
                rule: Rule::CodeFileUnused,
                severity: Severity::Warning,
                message,
                help,
            });
        }
    }

    fn list(&mut self, json: Json<'_>, mut write: impl FnMut(&mut Self, Json<'_>)) {
        if json.kind() != Kind::Array {
            return self.raw(json);
        }
        self.out.push('[');
        for (index, element) in json.elements().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            let before = self.pointer.len();
            push_index(&mut self.pointer, index);
            write(self, element);
            self.pointer.truncate(before);
        }
        self.out.push(']');
    }

    fn key(&mut self, key: &str, is_first: bool) {
        if !is_first {
            self.out.push(',');
        }
        self.out.push_str(&Value::from(key).to_string());
        self.out.push(':');
    }

    fn raw(&mut self, json: Json<'_>) {
        self.out.push_str(&raw_text(json));
    }

    fn at<T>(&mut self, key: &str, act: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.pointer.len();
        push_key(&mut self.pointer, key);
        let done = act(self);
        self.pointer.truncate(before);
        done
    }

    /// Something is wrong where it is in `flow.json`.
    fn error(&mut self, rule: Rule, message: &str, help: &str) {
        self.problems.push(error(self.parts.place_in(HEAD, &self.pointer), rule, message, help));
    }
}

fn raw_text(json: Json<'_>) -> String {
    String::from_utf8_lossy(json.raw()).into_owned()
}

/// Settings with their code in place of what stands there.
fn without_code(config: Json<'_>, code: Option<&str>) -> String {
    without_code_of(
        config.entries().filter(|(key, _)| key != "code").map(|(key, value)| (key.into_owned(), raw_text(value))),
        code,
    )
}

fn without_code_of(others: impl Iterator<Item = (String, String)>, code: Option<&str>) -> String {
    let code = code.map(|code| ("code".to_owned(), Value::from(code).to_string()));
    let members: Vec<String> = others.chain(code).map(|(key, text)| format!("{}:{text}", Value::from(key))).collect();
    format!("{{{}}}", members.join(","))
}
