//! The files of a folder, read, and where in them a place of the composed document stands.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::HEAD;
use super::names::locale_of;
use crate::flow::{Document, Kind, Node as Json, Unit, parse_file, place, quoted, unescape};
use crate::format::cognigy::document::LocaleName;
use crate::problem::{Place, Problem, Rule, Severity};

/// The files that have something to say.
pub(super) struct Parts<'u> {
    unit: &'u Unit,
    pub(super) flow: Document,
    /// The locale whose settings stand in `flow.json`.
    pub(super) locale: LocaleName,
    /// File and content of the other locales.
    pub(super) locales: BTreeMap<LocaleName, (String, Document)>,
}

impl<'u> Parts<'u> {
    /// Reads them. Without parts, there are errors among the problems.
    pub(super) fn read(unit: &'u Unit) -> (Option<Self>, Vec<Problem>) {
        let mut problems = Vec::new();
        let flow = document(unit, HEAD, &mut problems);
        let mut locales = BTreeMap::new();
        for path in unit.files.keys() {
            let Some(stem) = path.strip_prefix("locales/").and_then(|name| name.strip_suffix(".json")) else {
                continue;
            };
            let Some(document) = document(unit, path, &mut problems) else { continue };
            if document.root().kind() != Kind::Object {
                let message = "expected an object, with an entry for each node";
                problems.push(error(place(&unit.path_of(path), document.root(), ""), Rule::WrongType, message, ""));
            }
            match locale_of(stem) {
                Some(locale) => _ = locales.insert(locale, (path.clone(), document)),
                None => {
                    let message = format!("expected the name of a locale, found {}", quoted(stem));
                    let place = place(&unit.path_of(path), document.root(), "");
                    problems.push(error(place, Rule::UnknownValue, &message, "rename the file"));
                }
            }
        }
        let Some(flow) = flow else { return (None, problems) };
        let locale = locale(unit, &flow, &mut problems);
        if let Some((path, document)) = locale.as_ref().and_then(|locale| locales.remove(locale)) {
            let message = "expected no file for the `locale` of `flow.json`, whose settings stand there, found one";
            let help = "move its entries to `flow.json`, or give that another `locale`";
            problems.push(error(place(&unit.path_of(&path), document.root(), ""), Rule::UnknownValue, message, help));
        }
        (locale.map(|locale| Self { unit, flow, locale, locales }), problems)
    }

    pub(super) fn bytes(&self, path: &str) -> Option<&'u Arc<[u8]>> {
        self.unit.files.get(path)
    }

    /// Where a value of one of the files stands, or what is nearest above it.
    pub(super) fn place_in(&self, file: &str, pointer: &str) -> Place {
        let document = match self.locales.values().find(|(path, _)| path == file) {
            Some((_, document)) => document,
            None => &self.flow,
        };
        let mut above = pointer;
        let node = loop {
            match (document.get(above), above.rsplit_once('/')) {
                (Some(node), _) => break node,
                (None, Some((shorter, _))) => above = shorter,
                (None, None) => break document.root(),
            }
        };
        place(&self.unit.path_of(file), node, pointer)
    }

    /// The beginning of a file.
    pub(super) fn place_of_file(&self, file: &str) -> Place {
        Place { file: self.unit.path_of(file), line: 1, column: 1, pointer: String::new() }
    }

    /// Where the folder says what the composed document says at a pointer.
    pub(super) fn place(&self, pointer: &str) -> Place {
        match self.home(pointer) {
            Home::Head(pointer) => self.place_in(HEAD, &pointer),
            Home::Locale(file, pointer) => self.place_in(file, &pointer),
            Home::Code(file) => self.place_of_file(&file),
        }
    }

    fn home(&self, pointer: &str) -> Home<'_> {
        let Some((node, locale, below)) = config_of(pointer) else {
            return Home::Head(if pointer == "/id" { "/referenceId" } else { pointer }.to_owned());
        };
        let json = self.flow.get(node);
        let in_code = |config: Option<Json<'_>>| {
            let file =
                config.filter(|_| below.starts_with("/code"))?.member("code")?.member("file")?.as_str()?.into_owned();
            self.unit.files.contains_key(&file).then_some(file)
        };
        if locale == self.locale.as_str() {
            return match in_code(json) {
                Some(file) => Home::Code(file),
                None => Home::Head(format!("{node}/config{below}")),
            };
        }
        let reference = json.and_then(|json| json.member("ref")).and_then(Json::as_str);
        let known = locale.parse().ok().and_then(|locale: LocaleName| self.locales.get(&locale));
        let (Some((file, document)), Some(reference)) = (known, reference) else {
            return Home::Head(node.to_owned());
        };
        match in_code(document.root().member(&reference)) {
            Some(code) => Home::Code(code),
            None => Home::Locale(file, format!("/{reference}{below}")),
        }
    }
}

/// Which file says something, and where in it.
enum Home<'p> {
    Head(String),
    Locale(&'p str, String),
    Code(String),
}

/// A pointer into the settings of a node: the node, the locale, and what lies below.
fn config_of(pointer: &str) -> Option<(&str, String, &str)> {
    let mut at = pointer.strip_prefix("/chart").map(|_| "/chart".len())?;
    loop {
        let (mut segments, end) = (pointer[at..].split('/').skip(1), at);
        let first = segments.next()?;
        match first {
            "config" => {
                let locale = segments.next()?;
                let below = end + "/config/".len() + locale.len();
                return Some((&pointer[..end], unescape(locale)?, &pointer[below..]));
            }
            "branches" | "body" => at += 1 + first.len(),
            index if index.bytes().all(|it| it.is_ascii_digit()) => at += 1 + index.len(),
            _ => return None,
        }
    }
}

fn document(unit: &Unit, path: &str, problems: &mut Vec<Problem>) -> Option<Document> {
    let bytes = unit.files.get(path)?;
    parse_file(&unit.path_of(path), bytes.clone()).map_err(|found| problems.extend(found)).ok()
}

fn locale(unit: &Unit, flow: &Document, problems: &mut Vec<Problem>) -> Option<LocaleName> {
    let file = unit.path_of(HEAD);
    let Some(member) = flow.root().member("locale") else {
        let message = "expected a member `locale`, found none";
        let help = "add `locale`, the one whose settings stand in this file, for example \"en-US\"";
        problems.push(error(place(&file, flow.root(), ""), Rule::MissingMember, message, help));
        return None;
    };
    let read = member.as_str().ok_or_else(|| "expected a text".to_owned()).and_then(|text| text.parse());
    read.map_err(|message: String| {
        problems.push(error(place(&file, member, "/locale"), Rule::UnknownValue, &message, ""));
    })
    .ok()
}

/// A problem that forbids a deployment.
pub(super) fn error(place: Place, rule: Rule, message: &str, help: &str) -> Problem {
    Problem { place, rule, severity: Severity::Error, message: message.to_owned(), help: help.to_owned() }
}
