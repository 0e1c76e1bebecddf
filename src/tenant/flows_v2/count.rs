//! Whether one reading of a list adds up; and where it does not, whether that matters to the environment asked about.

use std::collections::{HashMap, HashSet};

use xxhash_rust::xxh3::{Xxh3, xxh3_128};

/// What one reading has come to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ListVerdict {
    /// The distinct items are as many as the tenant says there are.
    Complete,
    /// It changed underneath, or came short.
    Open {
        why: String,
        /// What was seen of the environment, where all that moved may have been other environments' items: two
        /// readings in a row that agree on it are as good as one that adds up.
        own: Option<Own>,
    },
}

/// The items of the environment, in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Own {
    n_items: u64,
    digest: u128,
}

/// How an item was counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    /// One of the environment's, for the first time.
    Own,
    /// Another environment's, or one that came before.
    Other,
}

/// The items counted so far.
#[derive(Debug)]
pub(super) struct Count<'a> {
    environment: &'a str,
    totals: Option<Totals>,
    /// Digests of id and environment.
    seen: HashSet<u128>,
    /// Of the environment's items, with a digest of each one's bytes.
    own: HashMap<u128, u128>,
    /// Items without an id: nobody can tell whether they came before.
    n_nameless: u64,
    /// The first thing that did not add up.
    why: Option<String>,
    /// Whether something came twice or the total changed: the list moves.
    has_moved: bool,
    /// Whether an item of the environment itself changed.
    is_own_unsteady: bool,
    /// Whether items that must be there were not sent.
    is_short: bool,
    /// The first offset at which nothing was: the list goes no further, whatever its totals say.
    empty_from: u64,
}

/// What the tenant said there is.
#[derive(Debug, Clone, Copy)]
struct Totals {
    first: u64,
    least: u64,
    most: u64,
}

impl<'a> Count<'a> {
    pub(super) fn new(environment: &'a str) -> Self {
        Self {
            environment,
            totals: None,
            seen: HashSet::new(),
            own: HashMap::new(),
            n_nameless: 0,
            why: None,
            has_moved: false,
            is_own_unsteady: false,
            is_short: false,
            empty_from: u64::MAX,
        }
    }

    /// The tenant says that there are so many.
    pub(super) fn says(&mut self, total: u64) {
        let totals = *self.totals.get_or_insert(Totals { first: total, least: total, most: total });
        if total != totals.first {
            self.note(|| format!("the total was {} and then {total}", totals.first));
            self.has_moved = true;
        }
        let (least, most) = (totals.least.min(total), totals.most.max(total));
        self.totals = Some(Totals { least, most, ..totals });
    }

    /// Counts an item.
    pub(super) fn add(&mut self, id: &str, environment: &str, item: &[u8]) -> Counted {
        let key = digest(id, environment);
        let is_own = environment == self.environment;
        if self.seen.insert(key) {
            if is_own {
                self.own.insert(key, xxh3_128(item));
            }
            return if is_own { Counted::Own } else { Counted::Other };
        }
        self.note(|| format!("`{id}` came twice"));
        self.has_moved = true;
        self.is_own_unsteady |= is_own && self.own.get(&key) != Some(&xxh3_128(item));
        Counted::Other
    }

    /// Counts an item without an id.
    pub(super) fn add_nameless(&mut self) {
        self.n_nameless += 1;
    }

    /// A page at `offset` had no items.
    pub(super) fn found_nothing_at(&mut self, offset: u64) {
        self.empty_from = self.empty_from.min(offset);
        let Some(Totals { first, least, .. }) = self.totals else { return };
        if offset < least {
            self.is_short = true;
            self.note(|| format!("the page at offset {offset} is empty, and the total is {first}"));
        }
    }

    /// The end of the list, as far as is known.
    pub(super) fn end(&self) -> Option<u64> {
        self.totals.map(|totals| totals.most.min(self.empty_from))
    }

    /// Items counted so far.
    pub(super) fn n_seen(&self) -> u64 {
        self.seen.len() as u64 + self.n_nameless
    }

    /// Those of the environment.
    pub(super) fn n_own(&self) -> u64 {
        self.own.len() as u64
    }

    /// What the tenant said first.
    pub(super) fn total(&self) -> Option<u64> {
        self.totals.map(|totals| totals.first)
    }

    /// The verdict, after a reading that began with the total `before`, if there was one.
    pub(super) fn verdict(mut self, before: Option<u64>) -> ListVerdict {
        let n_seen = self.n_seen();
        let Some(Totals { first, least, .. }) = self.totals else {
            return ListVerdict::Open { why: "the tenant never said how many there are".to_owned(), own: None };
        };
        if self.why.is_none() && n_seen == first {
            return ListVerdict::Complete;
        }
        self.note(|| format!("{n_seen} distinct items came, and the total is {first}"));
        let has_moved = self.has_moved || before.is_some_and(|before| before != first);
        let others_are_there = self.seen.len() > self.own.len();
        let may_agree = others_are_there && has_moved && !self.is_short && !self.is_own_unsteady && n_seen >= least;
        let own = may_agree.then(|| self.own_in_short());
        ListVerdict::Open { why: self.why.unwrap_or_default(), own }
    }

    fn own_in_short(&self) -> Own {
        // A sum, so that the order in which pages came makes no difference.
        let each = self.own.iter().map(|(key, bytes)| xxh3_128(&[key.to_le_bytes(), bytes.to_le_bytes()].concat()));
        Own { n_items: self.n_own(), digest: each.fold(0, u128::wrapping_add) }
    }

    fn note(&mut self, why: impl FnOnce() -> String) {
        self.why.get_or_insert_with(why);
    }
}

fn digest(id: &str, environment: &str) -> u128 {
    let mut hasher = Xxh3::new();
    for part in [id, environment] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part.as_bytes());
    }
    hasher.digest128()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Items such as `a` (ours), `a=2` (ours, with other bytes) or `x/other`; `#4` is a total.
    fn reading(script: &str, before: Option<u64>) -> ListVerdict {
        let mut count = Count::new("env");
        for word in script.split(' ') {
            if let Some(total) = word.strip_prefix('#') {
                count.says(total.parse().unwrap());
                continue;
            }
            let (id, environment) = word.split_once('/').unwrap_or((word, "env"));
            count.add(id.split('=').next().unwrap(), environment, word.as_bytes());
        }
        count.verdict(before)
    }

    fn agreeable(script: &str, before: Option<u64>) -> Option<Own> {
        match reading(script, before) {
            ListVerdict::Complete => panic!("{script} adds up"),
            ListVerdict::Open { own, .. } => own,
        }
    }

    #[test]
    fn a_reading_adds_up_when_the_distinct_items_are_the_total() {
        assert_eq!(reading("#3 a b x/other #3", None), ListVerdict::Complete);
        assert_eq!(reading("#3 a b x/other", Some(7)), ListVerdict::Complete, "whatever an earlier one said");
        for open in ["#3 a b", "#1 a b", "#2 a b b", "#2 a #3 b", "a"] {
            assert!(matches!(reading(open, None), ListVerdict::Open { .. }), "{open}");
        }
    }

    #[test]
    fn what_other_environments_do_leaves_what_is_ours_comparable() {
        let own = agreeable("#4 x/other a b #5 y/other z/other", None);
        assert!(own.is_some());
        assert_eq!(agreeable("#5 b x/other y/other z/other a #6 w/other v/other", None), own, "in any order");
        assert_eq!(agreeable("#4 x/other a x/other b #5 y/other z/other", None), own, "pushed on by one that came");
        assert_eq!(agreeable("#5 x/other a b y/other #4", None), own, "four are at least what there was in the end");
        assert_eq!(agreeable("#4 x/other a b y/other z/other", Some(3)), own, "the total moved between two readings");
        assert_ne!(agreeable("#4 x/other a c #5 y/other z/other", None), own);
        assert_ne!(agreeable("#4 x/other a b=2 #5 y/other z/other", None), own, "an item's bytes count");
        assert_ne!(agreeable("#4 x/other a #5 y/other z/other v/other", None), own);
    }

    #[test]
    fn what_may_be_ours_is_never_explained_away() {
        for (script, before, why) in [
            ("#3 a #4 b c d", None, "nobody else is there"),
            ("#4 x/other a b", None, "short, and nothing moved"),
            ("#4 x/other a #5 b", None, "shorter than it ever was"),
            ("#4 x/other a b a=2 #5 y/other", None, "one of ours changed"),
            ("#4 x/other a b", Some(4), "short twice"),
        ] {
            assert_eq!(agreeable(script, before), None, "{why}");
        }
        let mut count = Count::new("env");
        count.says(4);
        ["a", "x"].iter().zip(["env", "other"]).for_each(|(id, environment)| {
            count.add(id, environment, b"");
        });
        count.says(3);
        count.found_nothing_at(2);
        assert!(
            matches!(count.verdict(None), ListVerdict::Open { own: None, .. }),
            "a page without items in the middle"
        );
    }
}
