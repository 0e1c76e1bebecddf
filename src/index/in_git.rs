//! Live flows that are, byte for byte, what git has: they need not be parsed to be known, though never seen before.
//!
//! A tenant that gives back what it was given adds at most the environment, as the first member. How it does that is
//! taken from the first flow that is read; a text in which git itself says something of the environment is not known
//! in this way.

use xxhash_rust::xxh3::{Xxh3, xxh3_128_with_seed};

use super::FlowIndex;
use super::ahead::{environment_ahead, id_ahead};
use super::state::InGit;
use crate::flow::{Definition, KnownFlow};
use crate::tenant::Recognised;

impl FlowIndex {
    /// Remembers the text of a flow of git by its digest, where a tenant may have it as it is.
    pub(super) fn keep_text(&self, definition: &Definition) {
        let Definition { id, content_hash, equality_hash, text: Some(text), .. } = definition else { return };
        // Nothing of it is left out when it is compared, so that no environment stands in it.
        if content_hash != equality_hash {
            return;
        }
        let seed = self.state().seed;
        let digest = xxh3_128_with_seed(text, seed);
        let (content_hash, equality_hash, bytes) = (*content_hash, *equality_hash, text.len());
        let known = Recognised { flow: KnownFlow { id: id.clone(), content_hash, equality_hash }, bytes };
        self.state().texts.insert(id.clone(), InGit { digest, known });
    }

    /// Notes how the tenant says which environment a flow is of, from one that was read of this very environment.
    pub fn note_environment(&self, item: &[u8]) {
        let mut state = self.state();
        if state.environment.is_none() {
            state.environment = Some(environment_ahead(item).into());
        }
    }

    /// The live flow that a text begins with, where it is git's with the environment in front.
    #[must_use]
    pub fn live_as_in_git(&self, text: &[u8]) -> Option<Recognised> {
        let id = id_ahead(text)?;
        let environment = environment_ahead(text);
        let (seed, InGit { digest, known }) = {
            let state = self.state();
            if state.environment.as_deref() != Some(environment) {
                return None;
            }
            (state.seed, state.texts.get(&*id)?.clone())
        };
        let item = text.get(..known.bytes + environment.len())?;
        let (head, rest) = (item.get(..1)?, item.get(1 + environment.len()..)?);
        let mut hasher = Xxh3::with_seed(seed);
        hasher.update(head);
        hasher.update(rest);
        if hasher.digest128() != digest {
            return None;
        }
        let known = Recognised { bytes: item.len(), ..known };
        self.keep_live(xxh3_128_with_seed(item, seed), known.clone());
        Some(known)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::flow::Comparison;

    const FLOW: &str = r#"{ "id": "flow_a", "name": "A", "environmental": 1 }"#;

    fn index() -> FlowIndex {
        FlowIndex::in_memory(Arc::new(Comparison::default()))
    }

    fn of_file(text: &str) -> Definition {
        Definition::from_file(Arc::from(text.as_bytes()), &Comparison::default()).unwrap()
    }

    /// As a tenant has it that says first which environment it is of.
    fn live(text: &str, environment: &str) -> String {
        text.replacen('{', &format!(r#"{{"environmentId":"{environment}","#), 1)
    }

    #[test]
    fn what_is_live_as_git_has_it_is_known_without_being_read() {
        for environment in ["", "env_prod"] {
            let index = index();
            index.keep_text(&of_file(FLOW));
            let item = if environment.is_empty() { FLOW.to_owned() } else { live(FLOW, environment) };
            let page = format!("{item},{item}]}}");
            assert_eq!(index.live_as_in_git(page.as_bytes()), None, "nobody knows yet how an environment is said");
            index.note_environment(item.as_bytes());
            let known = index.live_as_in_git(page.as_bytes()).unwrap();
            let read = Definition::from_live(item.as_bytes(), &Comparison::default()).unwrap();
            let Recognised { flow, bytes } = known;
            assert_eq!((flow.content_hash, flow.equality_hash), (read.content_hash, read.equality_hash));
            assert_eq!((flow.id, bytes), (read.id, item.len()));
            assert!(index.live_at_beginning(page.as_bytes()).is_some(), "from now on it was seen");
        }
    }

    #[test]
    fn another_text_and_another_environment_are_not() {
        let index = index();
        index.keep_text(&of_file(FLOW));
        index.note_environment(live(FLOW, "env_prod").as_bytes());
        for other in [
            live(FLOW, "env_dev"),
            FLOW.to_owned(),
            live(&FLOW.replace('A', "B"), "env_prod"),
            live(&FLOW.replace("flow_a", "flow_b"), "env_prod"),
            live(FLOW, "env_prod")[..40].to_owned(),
            live(FLOW, r#"env\u005fprod"#),
        ] {
            assert_eq!(index.live_as_in_git(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn a_text_that_says_an_environment_itself_is_read() {
        let index = index();
        let text = r#"{"id":"flow_a","environmentId":"env_dev"}"#;
        index.keep_text(&of_file(text));
        index.note_environment(live(FLOW, "env_prod").as_bytes());
        assert_eq!(index.live_as_in_git(live(text, "env_prod").as_bytes()), None);
    }
}
