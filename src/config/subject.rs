//! `repository.commitMessage`: the subject of record commits, for repositories whose rules ask for one of a kind.

use super::nearest;

/// Most characters of a template.
const CHARACTERS_MAX: usize = 200;

/// What a subject may tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SubjectValues<'a> {
    /// The environment's name in the configuration.
    pub environment: &'a str,
    /// What the commit records: `deploying`, `deployed`, `rolled-back`, `lease renewed` …
    pub status: &'a str,
    /// The deployment's id.
    pub deployment: &'a str,
    /// The commit that is deployed, shortened; `none` where there is none.
    pub commit: &'a str,
    /// The branch that the flows come from.
    pub branch: &'a str,
}

/// A subject with places for what is known when a record is committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SubjectTemplate(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Place(Place),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Environment,
    Status,
    Deployment,
    Commit,
    Branch,
}

const PLACES: [(&str, Place); 5] = [
    ("environment", Place::Environment),
    ("status", Place::Status),
    ("deployment", Place::Deployment),
    ("commit", Place::Commit),
    ("branch", Place::Branch),
];

impl Default for SubjectTemplate {
    /// `flowsync: {environment} {status}`.
    fn default() -> Self {
        let text = |text: &str| Part::Text(text.to_owned());
        Self(vec![text("flowsync: "), Part::Place(Place::Environment), text(" "), Part::Place(Place::Status)])
    }
}

impl SubjectTemplate {
    /// Reads a template. `{{` and `}}` stand for braces.
    ///
    /// # Errors
    /// In words: an unknown place, a brace without its other, more than one line, too long, nothing but space.
    pub fn new(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() || text.contains(char::is_control) {
            return Err("expected a subject of one line".to_owned());
        }
        if text.chars().count() > CHARACTERS_MAX {
            return Err(format!("expected at most {CHARACTERS_MAX} characters, found more"));
        }
        if text.starts_with('#') {
            return Err("expected a subject, found a line that git takes for a comment".to_owned());
        }
        Self::of_parts(text)
    }

    fn of_parts(text: &str) -> Result<Self, String> {
        let mut parts = vec![Part::Text(String::new())];
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            push(&mut parts, before);
            rest = if let Some(after) = from.strip_prefix("{{") {
                push(&mut parts, "{");
                after
            } else if let Some(after) = from.strip_prefix("}}") {
                push(&mut parts, "}");
                after
            } else {
                let (name, after) = from.strip_prefix('{').and_then(|inside| inside.split_once('}')).ok_or_else(|| {
                    "expected `{` and `}` around a name, found one without the other; write `{{` or `}}` for a brace"
                        .to_owned()
                })?;
                parts.push(Part::Place(place(name)?));
                after
            };
        }
        push(&mut parts, rest);
        Ok(Self(parts))
    }

    /// The subject.
    #[must_use]
    pub fn fill(&self, values: &SubjectValues<'_>) -> String {
        let text = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Place(Place::Environment) => values.environment.to_owned(),
            Part::Place(Place::Status) => values.status.to_owned(),
            Part::Place(Place::Deployment) => values.deployment.to_owned(),
            Part::Place(Place::Commit) => values.commit.to_owned(),
            Part::Place(Place::Branch) => values.branch.to_owned(),
        };
        self.0.iter().map(text).collect()
    }
}

fn push(parts: &mut Vec<Part>, text: &str) {
    match parts.last_mut() {
        Some(Part::Text(last)) => last.push_str(text),
        _ => parts.push(Part::Text(text.to_owned())),
    }
}

fn place(name: &str) -> Result<Place, String> {
    let found = PLACES.iter().find(|(known, _)| *known == name);
    found.map(|(_, place)| *place).ok_or_else(|| {
        let names = PLACES.map(|(known, _)| known);
        let hint = match nearest(name, names) {
            Some(near) => format!("did you mean `{{{near}}}`?"),
            None => format!("known are `{{{}}}`", names.join("}`, `{")),
        };
        format!("unknown place `{{{}}}`; {hint}", super::yaml::shorten(name))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(template: &str) -> Result<String, String> {
        let values = SubjectValues {
            environment: "production",
            status: "deployed",
            deployment: "20261122T172257Z-4303844b",
            commit: "306501793f",
            branch: "main",
        };
        Ok(SubjectTemplate::new(template)?.fill(&values))
    }

    #[test]
    fn places_are_filled_and_everything_else_stays() {
        for (template, expected) in [
            ("OPS-1 flowsync: {environment} {status}", "OPS-1 flowsync: production deployed"),
            ("chore({branch}): {deployment} of {commit}", "chore(main): 20261122T172257Z-4303844b of 306501793f"),
            ("{{{status}}} }}{{ ünï", "{deployed} }{ ünï"),
            ("  no place  ", "no place"),
        ] {
            assert_eq!(filled(template).as_deref(), Ok(expected));
        }
        let values = SubjectValues { environment: "e", status: "s", deployment: "d", commit: "c", branch: "b" };
        assert_eq!(SubjectTemplate::default().fill(&values), "flowsync: e s");
    }

    #[test]
    fn what_cannot_be_filled_is_refused() {
        for (template, reason) in [
            ("{enviroment}", "did you mean `{environment}`?"),
            ("{}", "known are `{environment}`, `{status}`, `{deployment}`, `{commit}`, `{branch}`"),
            ("a { b", "one without the other"),
            ("a } b", "one without the other"),
            ("", "one line"),
            ("a\nb", "one line"),
            ("#1 {status}", "comment"),
            (&"x".repeat(201), "at most 200"),
        ] {
            let error = filled(template).unwrap_err();
            assert!(error.contains(reason), "{template}: {error}");
        }
    }
}
