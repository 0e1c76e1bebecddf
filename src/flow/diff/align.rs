//! Which item of a list is which of another, and the fewest that moved.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;

/// Pairs that stand in one home: which of all they are, and their places before and after.
type AtHome = (Vec<usize>, Vec<(usize, usize)>);

/// Pairs between two lists, found in rounds: what an earlier round paired, a later one leaves alone.
#[derive(Debug)]
pub(super) struct Matching {
    /// For each item after, its place before.
    partner: Vec<Option<usize>>,
    /// For each item before, whether it has a partner.
    is_taken: Vec<bool>,
}

/// One item that stands in both lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair {
    /// Its place before.
    pub(super) before: usize,
    /// Its place after.
    pub(super) after: usize,
    /// Whether its place among the others is another one.
    pub(super) order: Order,
}

/// What became of an item's place among the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// It stayed.
    Kept,
    /// It is one of the fewest whose moving explains the new order.
    Moved,
}

impl Matching {
    /// Nothing is paired yet.
    pub(super) fn new(n_before: usize, n_after: usize) -> Self {
        Self { partner: vec![None; n_after], is_taken: vec![false; n_before] }
    }

    /// Pairs what has the same key and no partner yet: of several, the first with the first.
    pub(super) fn pair_by<K: Hash + Eq>(
        &mut self,
        before: impl Fn(usize) -> Option<K>,
        after: impl Fn(usize) -> Option<K>,
    ) {
        let mut waiting: HashMap<K, VecDeque<usize>> = HashMap::new();
        for place in (0..self.is_taken.len()).filter(|place| !self.is_taken[*place]) {
            if let Some(key) = before(place) {
                waiting.entry(key).or_default().push_back(place);
            }
        }
        if waiting.is_empty() {
            return;
        }
        for place in 0..self.partner.len() {
            if self.partner[place].is_none()
                && let Some(key) = after(place)
                && let Some(found) = waiting.get_mut(&key).and_then(VecDeque::pop_front)
            {
                self.pair(found, place);
            }
        }
    }

    /// Pairs two items.
    pub(super) fn pair(&mut self, before: usize, after: usize) {
        self.partner[after] = Some(before);
        self.is_taken[before] = true;
    }

    /// The pairs by their place after.
    pub(super) fn pairs(&self) -> Vec<Pair> {
        self.pairs_at_home(|_| Some(()), |_| Some(()))
    }

    /// The same, of items that belong to something: one that belongs to another now has moved, and among those that stay at
    /// home as few have as explain their order. A home is said in places before; `None` is one that was not there.
    pub(super) fn pairs_at_home<H: Hash + Eq>(
        &self,
        before: impl Fn(usize) -> Option<H>,
        after: impl Fn(usize) -> Option<H>,
    ) -> Vec<Pair> {
        let mut pairs = Vec::new();
        let mut at_home: HashMap<H, AtHome> = HashMap::new();
        for (place, partner) in self.partner.iter().enumerate() {
            let Some(partner) = *partner else { continue };
            if let (Some(old), Some(new)) = (before(partner), after(place))
                && old == new
            {
                let (indices, places) = at_home.entry(new).or_default();
                indices.push(pairs.len());
                places.push((partner, place));
            }
            pairs.push(Pair { before: partner, after: place, order: Order::Moved });
        }
        for (indices, places) in at_home.into_values() {
            longest_rise(&places).into_iter().for_each(|at| pairs[indices[at]].order = Order::Kept);
        }
        pairs
    }

    /// Where the item at a place after was before.
    pub(super) fn partner(&self, after: usize) -> Option<usize> {
        self.partner.get(after).copied().flatten()
    }

    /// Places before of what has no partner, ascending.
    pub(super) fn removed(&self) -> impl Iterator<Item = usize> {
        (0..self.is_taken.len()).filter(|place| !self.is_taken[*place])
    }

    /// Places after of what has no partner, ascending.
    pub(super) fn added(&self) -> impl Iterator<Item = usize> {
        (0..self.partner.len()).filter(|place| self.partner[*place].is_none())
    }
}

/// Indices of a longest rising run of first members, not necessarily side by side: in n log n steps.
fn longest_rise(pairs: &[(usize, usize)]) -> Vec<usize> {
    // `ends[n]`: where the run of n + 1 items ends that ends lowest.
    let mut ends: Vec<usize> = Vec::new();
    let mut previous = vec![None; pairs.len()];
    for (at, (value, _)) in pairs.iter().enumerate() {
        let n_below = ends.partition_point(|end| pairs[*end].0 < *value);
        previous[at] = n_below.checked_sub(1).map(|n| ends[n]);
        match ends.get_mut(n_below) {
            Some(end) => *end = at,
            None => ends.push(at),
        }
    }
    let mut run = Vec::with_capacity(ends.len());
    let mut next = ends.last().copied();
    while let Some(at) = next {
        run.push(at);
        next = previous[at];
    }
    run.reverse();
    run
}

/// Pairs two lists whose items have no identity: equal ends first, then what stands once on both sides and
/// in the same order; what lies between is paired by place. Every pair is in order.
pub(super) fn by_content<T: Hash + Eq>(before: &[T], after: &[T]) -> Matching {
    let mut matching = Matching::new(before.len(), after.len());
    let n_head = before.iter().zip(after).take_while(|(a, b)| a == b).count();
    let (rest_before, rest_after) = (&before[n_head..], &after[n_head..]);
    let n_tail = rest_before.iter().rev().zip(rest_after.iter().rev()).take_while(|(a, b)| a == b).count();
    let inner_before = &rest_before[..rest_before.len() - n_tail];
    let inner_after = &rest_after[..rest_after.len() - n_tail];
    (0..n_head).for_each(|at| matching.pair(at, at));
    (1..=n_tail).for_each(|back| matching.pair(before.len() - back, after.len() - back));
    let (mut a, mut b) = (0, 0);
    for (next_a, next_b) in anchors(inner_before, inner_after) {
        pair_by_place(&mut matching, n_head, a..next_a, b..next_b);
        matching.pair(n_head + next_a, n_head + next_b);
        (a, b) = (next_a + 1, next_b + 1);
    }
    pair_by_place(&mut matching, n_head, a..inner_before.len(), b..inner_after.len());
    matching
}

fn pair_by_place(matching: &mut Matching, start: usize, a: std::ops::Range<usize>, b: std::ops::Range<usize>) {
    a.zip(b).for_each(|(a, b)| matching.pair(start + a, start + b));
}

/// Places of items that stand once on each side, as many as keep their order.
fn anchors<T: Hash + Eq>(before: &[T], after: &[T]) -> Vec<(usize, usize)> {
    if before.len().min(after.len()) == 0 || before.len().max(after.len()) == 1 {
        return Vec::new();
    }
    let (once_before, once_after) = (once(before), once(after));
    let both = |(item, at): (&&T, &Option<usize>)| Some(((*once_before.get(item)?)?, (*at)?));
    let mut found: Vec<(usize, usize)> = once_after.iter().filter_map(both).collect();
    found.sort_unstable_by_key(|(_, at)| *at);
    longest_rise(&found).into_iter().map(|at| found[at]).collect()
}

/// Each item and its place, where it has no equal.
fn once<T: Hash + Eq>(items: &[T]) -> HashMap<&T, Option<usize>> {
    let mut places = HashMap::with_capacity(items.len());
    for (at, item) in items.iter().enumerate() {
        places.entry(item).and_modify(|place| *place = None).or_insert(Some(at));
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The letters that moved between two words without double letters.
    fn moved(before: &str, after: &str) -> String {
        let mut matching = Matching::new(before.len(), after.len());
        let key = |word: &str, at: usize| word.as_bytes().get(at).copied();
        matching.pair_by(|at| key(before, at), |at| key(after, at));
        let moved = matching.pairs().into_iter().filter(|pair| pair.order == Order::Moved);
        moved.map(|pair| after.as_bytes()[pair.after] as char).collect()
    }

    #[test]
    fn the_fewest_items_explain_the_order() {
        assert_eq!(moved("abcdef", "abcdef"), "");
        assert_eq!(moved("abcdef", "fabcde"), "f");
        assert_eq!(moved("abcdef", "bcdefa"), "a");
        assert_eq!(moved("abcdef", "abefcd").len(), 2);
        assert_eq!(moved("abcdef", "fedcba").len(), 5);
        assert_eq!(moved("axbyc", "cab"), "c");
    }

    fn content(before: &str, after: &str) -> String {
        let matching = by_content(before.as_bytes(), after.as_bytes());
        let pairs = matching.pairs();
        assert!(pairs.iter().all(|pair| pair.order == Order::Kept));
        let letter = |word: &str, at: usize| word.as_bytes()[at] as char;
        let changed = pairs.iter().map(|pair| (letter(before, pair.before), letter(after, pair.after)));
        let mut text: Vec<String> = changed.filter(|(a, b)| a != b).map(|(a, b)| format!("{a}>{b}")).collect();
        text.extend(matching.removed().map(|at| format!("-{}", letter(before, at))));
        text.extend(matching.added().map(|at| format!("+{}", letter(after, at))));
        text.join(" ")
    }

    #[test]
    fn one_that_came_or_went_changes_no_other() {
        assert_eq!(content("abc", "xabc"), "+x");
        assert_eq!(content("abc", "ac"), "-b");
        assert_eq!(content("abc", "axc"), "b>x");
        assert_eq!(content("abcde", "axcye"), "b>x d>y");
        assert_eq!(content("aaa", "aa"), "-a");
        assert_eq!(content("", "ab"), "+a +b");
        assert_eq!(content("abcd", "xbcdy"), "a>x +y");
    }
}
