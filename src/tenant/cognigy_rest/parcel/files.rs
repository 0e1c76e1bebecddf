//! The files of a package, as a value: one JSON a resource, under `kind/id`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::archive;

/// The file that says what a package is.
const INDEX: &str = "index.json";
/// References that everything has, and that make nothing part of a flow.
const NOT_OWNERS: [&str; 3] = ["projectReference", "organisationReference", "localeReference"];

/// A package.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::tenant::cognigy_rest) struct Parcel {
    pub(super) files: BTreeMap<String, Value>,
}

/// A file by its kind.
pub(super) type Member = Map<String, Value>;

impl Parcel {
    /// Unpacks a package.
    ///
    /// # Errors
    /// In words: it is none.
    pub(in crate::tenant::cognigy_rest) fn open(bytes: &[u8]) -> Result<Self, String> {
        let files = archive::unpack(bytes)?;
        if !files.contains_key(INDEX) {
            return Err(format!("the package has no `{INDEX}`"));
        }
        Ok(Self { files })
    }

    /// Packs it, under a name.
    ///
    /// # Errors
    /// In words: it is too large.
    pub(in crate::tenant::cognigy_rest) fn close(mut self, name: &str) -> Result<Vec<u8>, String> {
        if let Some(index) = self.files.get_mut(INDEX).and_then(Value::as_object_mut) {
            index.insert("name".to_owned(), name.into());
        }
        archive::pack(&self.files)
    }

    /// The files of a kind, with their names.
    pub(super) fn of_kind<'p>(&'p self, kind: &'p str) -> impl Iterator<Item = (&'p str, &'p Member)> {
        self.files.iter().filter_map(move |(name, value)| {
            let (folder, _) = name.split_once('/')?;
            (folder == kind).then_some((name.as_str(), value.as_object()?))
        })
    }

    /// The `_id` of a flow inside.
    pub(super) fn flow_id(&self, reference: &str) -> Option<&str> {
        let found = self.of_kind("flow").find(|(_, flow)| text(flow, "referenceId") == Some(reference));
        found.and_then(|(_, flow)| text(flow, "_id"))
    }

    /// Reference ids of the locales inside, by their `_id`s there.
    pub(super) fn locales(&self) -> BTreeMap<&str, &str> {
        let mut found = BTreeMap::new();
        for (_, member) in self.of_kind("locale") {
            if let (Some(id), Some(reference)) = (text(member, "_id"), text(member, "referenceId")) {
                found.insert(id, reference);
            }
        }
        found
    }

    /// The package cut down to one flow: locales, and what says of itself that it is part of that flow. No connection,
    /// no secret, nothing that is shared.
    ///
    /// # Errors
    /// In words: it does not hold the flow.
    pub(in crate::tenant::cognigy_rest) fn only(&self, reference: &str) -> Result<Self, String> {
        let flow =
            self.flow_id(reference).ok_or_else(|| format!("the package does not hold the flow `{reference}`"))?;
        let mut owned = BTreeSet::from([flow.to_owned()]);
        loop {
            let n_before = owned.len();
            for (name, value) in &self.files {
                if let Some(member) = value.as_object().filter(|_| !is_shared(name))
                    && is_part(member, &owned)
                {
                    owned.extend(text(member, "_id").map(str::to_owned));
                }
            }
            if owned.len() == n_before {
                break;
            }
        }
        let stays = |name: &str, value: &Value| {
            let id = value["_id"].as_str();
            name == INDEX || name.starts_with("locale/") || id.is_some_and(|id| owned.contains(id))
        };
        let files = self.files.iter().filter(|(name, value)| stays(name, value));
        Ok(Self { files: files.map(|(name, value)| (name.clone(), value.clone())).collect() })
    }

    /// Whether the flows in it have intents.
    pub(in crate::tenant::cognigy_rest) fn has_intents(&self) -> bool {
        self.of_kind("intent").next().is_some()
    }
}

/// A member that is text.
pub(super) fn text<'m>(member: &'m Member, key: &str) -> Option<&'m str> {
    member.get(key).and_then(Value::as_str)
}

/// Whether a file is no flow's own, whatever it refers to.
fn is_shared(name: &str) -> bool {
    name == INDEX || ["locale/", "flow/"].iter().any(|kind| name.starts_with(kind))
}

/// Whether a file says that it belongs to something that is owned.
fn is_part(member: &Member, owned: &BTreeSet<String>) -> bool {
    let mut references =
        member.iter().filter(|(key, _)| key.ends_with("Reference") && !NOT_OWNERS.contains(&key.as_str()));
    references.any(|(_, value)| value.as_str().is_some_and(|id| owned.contains(id)))
}
