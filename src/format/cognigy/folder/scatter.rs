//! From a flow to the files of its folder.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::HEAD;
use super::code::{LineEnd, in_file};
use super::layout::{Known, Layout};
use super::names::{code_file, locale_file};
use crate::format::cognigy::document::{Branch, Config, FORMAT, Flow, LocaleName, Node, is_marker, write_head};
use crate::format::cognigy::json::{Form, Members, list, object, value};

/// The files of a flow.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scattered {
    /// What stands in each, by its path from the folder.
    pub files: BTreeMap<String, String>,
    /// Files of the flow's that it has no more.
    pub removed: BTreeSet<String>,
}

/// Writes a flow into files: those it has, where it has some. Hints come from `known`, else they stay.
#[must_use]
pub fn scatter(flow: &Flow, layout: &Layout, known: &Known) -> Scattered {
    let mut scatterer = Scatterer { flow, layout, known, files: BTreeMap::new(), code: BTreeMap::new() };
    scatterer.name_code();
    scatterer.locales();
    let head = scatterer.head();
    let mut files = scatterer.files;
    files.insert(HEAD.to_owned(), head);
    let before = layout.code.values().chain(layout.locales.values());
    let removed = before.filter(|path| !files.contains_key(*path)).cloned().collect();
    Scattered { files, removed }
}

struct Scatterer<'a> {
    flow: &'a Flow,
    layout: &'a Layout,
    known: &'a Known,
    files: BTreeMap<String, String>,
    /// Where each code stands, and its line end.
    code: BTreeMap<(crate::format::cognigy::document::NodeRef, LocaleName), (String, LineEnd)>,
}

impl Scatterer<'_> {
    /// Finds a file for each code, its own one where it has one.
    fn name_code(&mut self) {
        let mut taken: BTreeSet<String> = BTreeSet::new();
        let mut new = Vec::new();
        for node in self.flow.nodes().filter(|node| node.kind == "code") {
            for (locale, config) in &node.config {
                let Some((text, end)) = config.get("code").and_then(Value::as_str).and_then(in_file) else { continue };
                let key = (node.reference, locale.clone());
                match self.layout.code.get(&key).filter(|path| taken.insert(path.to_lowercase())) {
                    Some(path) => {
                        self.files.insert(path.clone(), text);
                        self.code.insert(key, (path.clone(), end));
                    }
                    None => new.push((node, key, text, end)),
                }
            }
        }
        for (node, key, text, end) in new {
            let locale = Some(&key.1).filter(|locale| **locale != self.layout.locale);
            let path = code_file(node, locale, &taken);
            taken.insert(path.to_lowercase());
            self.files.insert(path.clone(), text);
            self.code.insert(key, (path, end));
        }
    }

    /// Writes the files of the locales that do not stand in `flow.json`.
    fn locales(&mut self) {
        let mut locales: BTreeMap<&LocaleName, Vec<(&Node, &Config)>> = BTreeMap::new();
        for node in self.flow.nodes() {
            for (locale, config) in node.config.iter().filter(|(locale, _)| **locale != self.layout.locale) {
                locales.entry(locale).or_default().push((node, config));
            }
        }
        for (locale, entries) in locales {
            let mut out = String::new();
            object(&mut out, Form::Lines { depth: 0 }, |members| {
                for (node, config) in entries {
                    members.member(&node.reference.to_string(), |out, form| {
                        object(out, form, |members| {
                            for (key, value) in config {
                                match self.code.get(&(node.reference, locale.clone())).filter(|_| key == "code") {
                                    Some((path, end)) => code(members, path, *end),
                                    None => members.value(key, value),
                                }
                            }
                        });
                    });
                }
            });
            out.push('\n');
            let file = self.layout.locales.get(locale).cloned().unwrap_or_else(|| locale_file(locale));
            self.files.insert(file, out);
        }
    }

    fn head(&self) -> String {
        let Flow { reference, name, description, context, attached_flows, attached_lexicons, chart } = self.flow;
        let mut out = String::new();
        object(&mut out, Form::Lines { depth: 0 }, |members| {
            members.text_if_any("$schema", self.layout.schema.as_deref().unwrap_or_default());
            members.text("format", FORMAT);
            members.text("referenceId", &reference.to_string());
            members.text("name", name);
            members.text_if_any("description", description);
            members.text("locale", self.layout.locale.as_str());
            if !context.is_empty() {
                members.value("context", &Value::Object(context.clone()));
            }
            let flows = attached_flows.iter().map(|it| (it.to_string(), self.known.flows.get(it)));
            self.attachments(members, "attachedFlows", flows.collect());
            let lexicons = attached_lexicons.iter().map(ToString::to_string);
            let lexicons = lexicons.map(|it| (self.known.others.get(&it), it)).map(|(name, it)| (it, name));
            self.attachments(members, "attachedLexicons", lexicons.collect());
            members.list("chart", chart, |out, form, node| self.node(out, form, node, None));
        });
        out.push('\n');
        out
    }

    fn attachments(&self, members: &mut Members<'_>, key: &str, attached: Vec<(String, Option<&String>)>) {
        if attached.is_empty() {
            return;
        }
        members.list(key, attached, |out, _, (reference, name)| {
            let name = name.or_else(|| self.layout.names.get(&reference));
            object(out, Form::Line, |members| {
                members.text("ref", &reference);
                members.text_if_any("name", name.map_or("", String::as_str));
            });
        });
    }

    fn node(&self, out: &mut String, form: Form, node: &Node, body: Option<&[Node]>) {
        let Node { reference, kind, head, config, branches } = node;
        let config = config.get(&self.layout.locale);
        let is_short = is_marker(kind) && branches.is_empty() && body.is_none_or(<[Node]>::is_empty);
        object(out, if is_short { Form::Line } else { form }, |members| {
            members.text("type", kind);
            members.text("ref", &reference.to_string());
            write_head(members, head);
            self.hint(members, node);
            if let Some(config) = config {
                self.config(members, node, config);
            }
            if !branches.is_empty() {
                members.list("branches", branches, |out, form, Branch { node, body }| {
                    self.node(out, form, node, Some(body));
                });
            }
            if let Some(body) = body {
                members.member("body", |out, form| {
                    list(out, form, body, |out, form, node| self.node(out, form, node, None));
                });
            }
        });
    }

    /// Where the node leads to, in the words of people.
    fn hint(&self, members: &mut Members<'_>, node: &Node) {
        let Some((flow, target)) = node.first_target() else { return };
        let known = self.known.flows.get(&flow).map(|name| {
            let label = target.and_then(|target| self.known.nodes.get(&(flow, target)));
            label.map_or_else(|| name.clone(), |label| format!("{name} / {label}"))
        });
        let hint = known.as_ref().or_else(|| self.layout.to.get(&node.reference));
        members.text_if_any("to", hint.map_or("", String::as_str));
    }

    /// The settings in `flow.json`, the code beside them.
    fn config(&self, members: &mut Members<'_>, node: &Node, config: &Config) {
        let file = self.code.get(&(node.reference, self.layout.locale.clone()));
        let mut rest = config.clone();
        if let Some((path, end)) = file {
            code(members, path, *end);
            rest.remove("code");
        }
        if !rest.is_empty() || file.is_none() {
            members.member("config", |out, form| value(out, form, &Value::Object(rest)));
        }
    }
}

fn code(members: &mut Members<'_>, path: &str, end: LineEnd) {
    members.member("code", |out, _| {
        object(out, Form::Line, |members| {
            members.text("file", path);
            if end == LineEnd::CrLf {
                members.text("eol", "crlf");
            }
        });
    });
}
