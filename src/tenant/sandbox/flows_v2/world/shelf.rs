//! An ordered set of things of one kind, with the list of what it exports kept ready.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;

use super::raw::quoted;

/// Something that can stand in a list.
pub(super) trait Listed {
    /// Its JSON text.
    fn item(&self) -> &Bytes;
}

/// Things by id. The list is made when it is first asked for after a change, not per request.
#[derive(Debug)]
pub(super) struct Shelf<T> {
    entries: BTreeMap<String, T>,
    list: Option<Arc<[Bytes]>>,
}

impl<T> Default for Shelf<T> {
    fn default() -> Self {
        Self { entries: BTreeMap::new(), list: None }
    }
}

impl<T: Listed> Shelf<T> {
    pub(super) fn get(&self, id: &str) -> Option<&T> {
        self.entries.get(id)
    }

    /// For changes; the list is made anew afterwards.
    pub(super) fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        self.list = None;
        self.entries.get_mut(id)
    }

    pub(super) fn insert(&mut self, id: String, thing: T) {
        self.list = None;
        self.entries.insert(id, thing);
    }

    pub(super) fn remove(&mut self, id: &str) -> Option<T> {
        self.list = None;
        self.entries.remove(id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &T)> {
        self.entries.iter()
    }

    pub(super) fn contains(&self, id: &str) -> bool {
        self.entries.contains_key(id)
    }

    /// Everything on the shelf, by id.
    pub(super) fn list(&mut self) -> Arc<[Bytes]> {
        let entries = &self.entries;
        Arc::clone(self.list.get_or_insert_with(|| entries.values().map(|thing| thing.item().clone()).collect()))
    }

    /// The list as it would be with `id` holding `item` instead, or nothing.
    pub(super) fn list_with(&self, id: &str, item: Option<&Bytes>) -> Arc<[Bytes]> {
        let mut items: BTreeMap<&str, &Bytes> =
            self.entries.iter().map(|(id, thing)| (id.as_str(), thing.item())).collect();
        match item {
            Some(item) => items.insert(id, item),
            None => items.remove(id),
        };
        items.into_values().cloned().collect()
    }
}

/// An intent, an entity or a variable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Thing {
    pub(crate) name: String,
    item: Bytes,
}

impl Thing {
    pub(super) fn new(environment: &str, id: &str, name: &str) -> Self {
        let (quoted_id, quoted_name, environment) = (quoted(id), quoted(name), quoted(environment));
        let item = format!(r#"{{"id":{quoted_id},"name":{quoted_name},"environmentId":{environment}}}"#);
        Self { name: name.to_owned(), item: item.into() }
    }
}

impl Listed for Thing {
    fn item(&self) -> &Bytes {
        &self.item
    }
}
