//! JSON as it is written: on one line, or laid out for people.

use serde_json::Value;

/// How JSON is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// On one line, without blanks.
    Dense,
    /// On one line, for people.
    Line,
    /// A member a line; `depth` counts the levels around it.
    Lines {
        /// Levels, of two blanks each.
        depth: usize,
    },
}

impl Form {
    fn inner(self) -> Self {
        match self {
            Self::Lines { depth } => Self::Lines { depth: depth + 1 },
            other => other,
        }
    }

    fn comma(self, out: &mut String, is_first: bool) {
        match self {
            Self::Dense if !is_first => out.push(','),
            Self::Line if !is_first => out.push_str(", "),
            Self::Dense | Self::Line => {}
            Self::Lines { depth } => {
                out.push_str(if is_first { "\n" } else { ",\n" });
                indent(out, depth + 1);
            }
        }
    }

    fn end(self, out: &mut String, is_empty: bool) {
        if let Self::Lines { depth } = self
            && !is_empty
        {
            out.push('\n');
            indent(out, depth);
        }
    }
}

fn indent(out: &mut String, depth: usize) {
    (0..depth).for_each(|_| out.push_str("  "));
}

/// The members of an object while it is written.
pub(super) struct Members<'o> {
    out: &'o mut String,
    form: Form,
    is_first: bool,
}

/// Writes an object.
pub(super) fn object(out: &mut String, form: Form, write: impl FnOnce(&mut Members<'_>)) {
    out.push('{');
    let mut members = Members { out, form, is_first: true };
    write(&mut members);
    let is_empty = members.is_first;
    form.end(out, is_empty);
    out.push('}');
}

/// Writes an array.
pub(super) fn list<T>(
    out: &mut String,
    form: Form,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut String, Form, T),
) {
    out.push('[');
    let mut is_first = true;
    for item in items {
        form.comma(out, std::mem::take(&mut is_first));
        write(out, form.inner(), item);
    }
    form.end(out, is_first);
    out.push(']');
}

/// Writes a string.
pub(super) fn string(out: &mut String, text: &str) {
    out.push_str(&Value::from(text).to_string());
}

/// Writes any value, keys sorted.
pub(super) fn value(out: &mut String, form: Form, json: &Value) {
    match json {
        Value::Object(members) => object(out, form, |it| members.iter().for_each(|(key, json)| it.value(key, json))),
        Value::Array(items) => list(out, form, items, value),
        other => out.push_str(&other.to_string()),
    }
}

impl Members<'_> {
    /// A member that is written in its own way.
    pub(super) fn member(&mut self, key: &str, write: impl FnOnce(&mut String, Form)) {
        self.form.comma(self.out, std::mem::take(&mut self.is_first));
        string(self.out, key);
        self.out.push_str(if self.form == Form::Dense { ":" } else { ": " });
        write(self.out, self.form.inner());
    }

    /// A string.
    pub(super) fn text(&mut self, key: &str, text: &str) {
        self.member(key, |out, _| string(out, text));
    }

    /// A string that is left out where it is empty.
    pub(super) fn text_if_any(&mut self, key: &str, text: &str) {
        if !text.is_empty() {
            self.text(key, text);
        }
    }

    /// A flag that is left out where it is off.
    pub(super) fn flag_if_on(&mut self, key: &str, is_on: bool) {
        if is_on {
            self.value(key, &Value::Bool(true));
        }
    }

    /// Any value, keys sorted.
    pub(super) fn value(&mut self, key: &str, json: &Value) {
        self.member(key, |out, form| value(out, form, json));
    }

    /// A list.
    pub(super) fn list<T>(
        &mut self,
        key: &str,
        items: impl IntoIterator<Item = T>,
        write: impl FnMut(&mut String, Form, T),
    ) {
        self.member(key, |out, form| list(out, form, items, write));
    }
}
