//! Pages of what is there, ordered by environment and id.

use std::sync::Arc;

use axum::body::Bytes;

use super::{Environment, Refusal, World};

/// What can be listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Collection {
    Flows,
    Intents,
    Entities,
    Variables,
}

/// How truly a list is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum View {
    /// As it is.
    Now,
    /// As it was before the newest change to a flow.
    Stale,
    /// Without its last item, which is counted all the same.
    Short,
}

/// Which part is asked for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pick<'a> {
    pub(crate) collection: Collection,
    /// One environment, or all of them.
    pub(crate) environment: Option<&'a str>,
    pub(crate) offset: usize,
    pub(crate) limit: usize,
}

/// A page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) items: Vec<Bytes>,
    pub(crate) total: usize,
    pub(crate) limit: usize,
    pub(crate) offset: usize,
}

impl World {
    /// The page asked for.
    pub(crate) fn page(&mut self, pick: Pick<'_>, view: View) -> Result<Page, Refusal> {
        let Pick { collection, environment, offset, limit } = pick;
        let names: Vec<String> = match environment {
            Some(name) => {
                self.environment(name)?;
                vec![name.to_owned()]
            }
            None => self.environments.keys().cloned().collect(),
        };
        let mut page = Page { items: Vec::new(), total: 0, limit, offset };
        for name in &names {
            let list = self.list(name, collection, view);
            let wanted = limit - page.items.len();
            let from = offset.saturating_sub(page.total).min(list.len());
            page.items.extend(list[from..].iter().take(wanted).cloned());
            page.total += list.len();
        }
        if view == View::Short {
            page.items.pop();
        }
        Ok(page)
    }

    fn list(&mut self, name: &str, collection: Collection, view: View) -> Arc<[Bytes]> {
        let Some(environment) = self.environments.get_mut(name) else { return Arc::default() };
        match (&self.last_change, collection, view) {
            (Some(change), Collection::Flows, View::Stale) if change.environment == name => {
                environment.flows.list_with(&change.id, change.before.as_ref())
            }
            _ => environment.list(collection),
        }
    }
}

impl Environment {
    fn list(&mut self, collection: Collection) -> Arc<[Bytes]> {
        match collection {
            Collection::Flows => self.flows.list(),
            Collection::Intents => self.intents.list(),
            Collection::Entities => self.entities.list(),
            Collection::Variables => self.variables.list(),
        }
    }
}

impl Page {
    /// The page's JSON text: the items' own bytes, joined.
    pub(crate) fn to_json(&self) -> Vec<u8> {
        let Self { items, total, limit, offset } = self;
        let n_bytes: usize = items.iter().map(|item| item.len() + 1).sum();
        let mut text = Vec::with_capacity(n_bytes + 80);
        text.extend_from_slice(b"{\"items\":[");
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                text.push(b',');
            }
            text.extend_from_slice(item);
        }
        text.extend_from_slice(format!("],\"total\":{total},\"limit\":{limit},\"offset\":{offset}}}").as_bytes());
        text
    }
}
