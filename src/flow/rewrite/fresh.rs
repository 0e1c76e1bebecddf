//! A value that the file does not have, laid out as what stands beside it.

use super::Editor;
use crate::flow::document::{Kind, Node};

/// How a new object or list is laid out.
struct Plan {
    is_inline: bool,
    padding: &'static str,
}

impl<'a> Editor<'a> {
    /// Writes a value as `model` is laid out, and where there is none, as the file mostly is. Inside of what stands on
    /// one line, everything does.
    pub(super) fn fresh(&mut self, new: Node<'a>, model: Option<Node<'a>>, indent: &str, is_inline: bool) {
        match new.kind() {
            Kind::Array => self.fresh_array(new, model, indent, is_inline),
            Kind::Object => self.fresh_object(new, model, indent, is_inline),
            Kind::String => {
                let quoted = self.style.spell.quoted(&new.as_str().unwrap_or_default(), None);
                self.out.extend_from_slice(&quoted);
            }
            Kind::Null | Kind::Bool | Kind::Integer | Kind::Float => self.out.extend_from_slice(new.raw()),
        }
    }

    fn fresh_array(&mut self, new: Node<'a>, model: Option<Node<'a>>, indent: &str, is_inline: bool) {
        let items: Vec<Node<'a>> = new.elements().collect();
        let is_scalars = items.iter().all(|item| !matches!(item.kind(), Kind::Array | Kind::Object));
        let usual = model.is_none() && is_scalars && self.style.has_inline_scalars == Some(true);
        let plan = self.plan(model, is_inline || usual, "");
        let models: Vec<Node<'a>> = model.into_iter().flat_map(Node::elements).collect();
        self.out.push(b'[');
        let n_items = items.len();
        for (n, item) in items.into_iter().enumerate() {
            let inner = self.before(&plan, n, indent);
            let model = models.iter().copied().find(|other| other.kind() == item.kind());
            self.fresh(item, model, &inner, plan.is_inline);
        }
        self.after(&plan, n_items, indent);
        self.out.push(b']');
    }

    fn fresh_object(&mut self, new: Node<'a>, model: Option<Node<'a>>, indent: &str, is_inline: bool) {
        let plan = self.plan(model, is_inline, self.style.padding);
        self.out.push(b'{');
        let mut n_items = 0;
        for (key, value) in new.entries() {
            let inner = self.before(&plan, n_items, indent);
            n_items += 1;
            let quoted = self.style.spell.quoted(&key, None);
            self.out.extend_from_slice(&quoted);
            let colon = self.style.colon.clone();
            self.put(&colon);
            let beside = model.and_then(|model| model.member(&key)).filter(|other| other.kind() == value.kind());
            let is_filled = |other: &Node<'_>| other.elements().next().is_some() || other.entries().next().is_some();
            let model = beside.filter(is_filled).or_else(|| self.style.model(&key, value.kind()));
            self.fresh(value, model, &inner, plan.is_inline);
        }
        self.after(&plan, n_items, indent);
        self.out.push(b'}');
    }

    /// `padding` is what stands inside of the brackets where no model says so.
    fn plan(&self, model: Option<Node<'a>>, is_inline: bool, padding: &'static str) -> Plan {
        let model = model.filter(|model| model.elements().next().is_some() || model.entries().next().is_some());
        let is_inline = is_inline || model.is_some_and(|model| !model.raw().contains(&b'\n'));
        let padding = match model {
            Some(model) if !model.raw().contains(&b'\n') && model.raw().get(1) == Some(&b' ') => " ",
            Some(_) => "",
            None => padding,
        };
        Plan { is_inline, padding }
    }

    /// What stands before an item; the indentation of its line.
    fn before(&mut self, plan: &Plan, n: usize, indent: &str) -> String {
        if n > 0 {
            self.out.push(b',');
        }
        if plan.is_inline {
            let gap = if n > 0 { self.style.after_comma } else { plan.padding };
            self.put(gap);
            return indent.to_owned();
        }
        let inner = format!("{indent}{}", self.style.unit);
        self.put(self.style.newline);
        self.put(&inner);
        inner
    }

    fn after(&mut self, plan: &Plan, n_items: usize, indent: &str) {
        if n_items == 0 {
            return;
        }
        if plan.is_inline {
            self.put(plan.padding);
        } else {
            self.put(self.style.newline);
            self.put(indent);
        }
    }
}
