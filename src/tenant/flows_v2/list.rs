//! A whole list, page by page, or no list at all: a short answer must never look like an absence.

use std::collections::{BTreeSet, HashSet};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use futures_util::stream::{FuturesUnordered, StreamExt};

use xxhash_rust::xxh3::Xxh3;

use super::super::{Export, Failure, ReadLive, TenantError};
use super::caller::{Asked, Broken, Caller, Settled};
use super::page::{Head, Page};
use super::request::Requests;
use super::verdict::Size;
use crate::flow::FlowId;

/// Takes the items of the environment asked about, each once.
pub(super) trait Sink: Send {
    fn take(&mut self, id: &str, item: &[u8]);
    /// Takes an item that has no id, shown by its beginning; false where that is no item at all.
    fn take_nameless(&mut self, beginning: &str) -> bool {
        let _ = beginning;
        false
    }
    /// The id of an item of the environment, where its bytes alone tell.
    fn recognise(&self, item: &[u8]) -> Option<FlowId> {
        let _ = item;
        None
    }
    /// The list is read again.
    fn clear(&mut self);
}

/// Whole flows.
pub(super) struct Flows<'a> {
    pub(super) reader: &'a dyn ReadLive,
    pub(super) export: Export,
}

impl Sink for Flows<'_> {
    fn take(&mut self, id: &str, item: &[u8]) {
        let read = id.parse::<FlowId>().map_err(|error| error.to_string()).and_then(|parsed| {
            let definition = self.reader.read(item)?;
            Ok((parsed, definition))
        });
        match read {
            Ok((id, definition)) => {
                self.export.flows.insert(id, definition);
            }
            Err(reason) => {
                self.export.foreign.insert(id.to_owned(), reason);
            }
        }
    }

    fn take_nameless(&mut self, beginning: &str) -> bool {
        tracing::warn!("a live item has no id and is nobody's flow: {beginning}");
        self.export.foreign.insert(format!("without an id: {beginning}"), "it has no id".to_owned());
        true
    }

    fn recognise(&self, item: &[u8]) -> Option<FlowId> {
        self.reader.recognise(item)
    }

    fn clear(&mut self) {
        self.export = Export::default();
    }
}

impl Sink for BTreeSet<String> {
    fn take(&mut self, id: &str, _: &[u8]) {
        self.insert(id.to_owned());
    }

    fn clear(&mut self) {
        BTreeSet::clear(self);
    }
}

/// Whether the tenant has such a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listed {
    Complete,
    /// 404, where the call allows for it.
    Unknown,
}

/// How one reading of the list ended.
enum Reading {
    Complete,
    Unknown,
    /// It does not add up.
    Unstable(String),
}

/// Offsets still to be read, the end left out.
#[derive(Debug, Clone, Copy)]
struct Span {
    from: u64,
    to: u64,
}

/// Reads one list.
pub(super) struct List<'a> {
    caller: &'a Caller,
    asked: Asked<'a>,
    concurrency: usize,
    /// Items to ask for in one page; shrinks when the tenant cannot make such a page.
    limit: AtomicU64,
    attempts: AtomicU32,
}

/// The items counted so far.
struct Count<'a> {
    asked: Asked<'a>,
    total: u64,
    /// Digests of id and environment.
    seen: HashSet<u128>,
    /// Items without an id: nobody can tell whether they came before.
    n_nameless: u64,
}

impl<'a> List<'a> {
    pub(super) fn new(caller: &'a Caller, asked: Asked<'a>, concurrency: usize) -> Self {
        let limit = AtomicU64::new(caller.post.tuning.page_items.max(1));
        Self { caller, asked, concurrency, limit, attempts: AtomicU32::new(0) }
    }

    /// Reads the list, again where it changes underneath.
    pub(super) async fn read(&self, sink: &mut dyn Sink) -> Result<Listed, TenantError> {
        let n_readings = self.caller.post.tuning.list_reads;
        let mut detail = String::new();
        for reading in 1..=n_readings {
            match self.read_once(sink).await? {
                Reading::Complete => return Ok(Listed::Complete),
                Reading::Unknown => return Ok(Listed::Unknown),
                Reading::Unstable(why) => detail = self.caller.post.mask.clean(&why),
            }
            tracing::debug!(call = %self.asked.call, reading, detail, "the list does not add up");
            sink.clear();
        }
        let detail = format!("{detail}; read {n_readings} times");
        Err(self.error(Failure::Incomplete { detail }))
    }

    async fn read_once(&self, sink: &mut dyn Sink) -> Result<Reading, TenantError> {
        let Some(first) = self.fetch(0, u64::MAX).await? else { return Ok(Reading::Unknown) };
        let page = self.parse(&first)?;
        let (total, step) = (page.total, page.items.len() as u64);
        let mut count = Count { asked: self.asked, total, seen: HashSet::new(), n_nameless: 0 };
        if let Err(why) = self.take(&mut count, &page, step, sink)? {
            return Ok(Reading::Unstable(why));
        }
        drop(first);
        if step == 0 && total > 0 {
            return Ok(Reading::Unstable(format!("the first page is empty, and the total is {total}")));
        }
        self.rest(&mut count, step, sink).await
    }

    /// The pages after the first, side by side.
    async fn rest(&self, count: &mut Count<'_>, step: u64, sink: &mut dyn Sink) -> Result<Reading, TenantError> {
        let (total, mut next, mut gaps) = (count.total, step, Vec::new());
        let mut pages = FuturesUnordered::new();
        loop {
            while pages.len() < self.concurrency {
                let span = gaps.pop().or_else(|| {
                    let span = Span { from: next, to: next.saturating_add(step).min(total) };
                    next = span.to.max(next);
                    (span.from < span.to).then_some(span)
                });
                let Some(span) = span else { break };
                pages.push(async move { (span, self.fetch(span.from, span.to - span.from).await) });
            }
            let Some((span, fetched)) = pages.next().await else { return Ok(count.verdict()) };
            let Some(settled) = fetched? else { return Ok(Reading::Unknown) };
            let page = self.parse(&settled)?;
            let n_items = page.items.len() as u64;
            if let Err(why) = self.take(count, &page, span.to - span.from, sink)? {
                return Ok(Reading::Unstable(why));
            }
            if n_items == 0 {
                let at = span.from;
                return Ok(Reading::Unstable(format!("the page at offset {at} is empty, and the total is {total}")));
            }
            if n_items < span.to - span.from {
                gaps.push(Span { from: span.from + n_items, to: span.to });
            }
        }
    }

    /// The page at `offset`, of at most `most` items, of fewer where the tenant cannot make so large a one.
    /// `None` for a 404 that the call allows for.
    async fn fetch(&self, offset: u64, most: u64) -> Result<Option<Settled>, TenantError> {
        let Asked { call, environment, .. } = self.asked;
        let requests = Requests { base: &self.caller.base, tuning: &self.caller.post.tuning };
        loop {
            let limit = self.limit.load(Ordering::Relaxed).min(most);
            let size = if limit > 1 { Size::Shrinks } else { Size::Fixed };
            let request = requests.page(call, environment, limit, offset);
            match self.caller.call_sized(&self.asked, &request, size).await {
                Ok(settled) => {
                    self.attempts.fetch_add(settled.attempts, Ordering::Relaxed);
                    return Ok((settled.answer.status != 404).then_some(settled));
                }
                Err(Broken::AskForLess { attempts }) => {
                    self.attempts.fetch_add(attempts, Ordering::Relaxed);
                    self.limit.fetch_min((limit / 2).max(1), Ordering::Relaxed);
                }
                Err(Broken::Failed(error)) if error.call == call => {
                    self.attempts.fetch_add(error.attempts, Ordering::Relaxed);
                    return Err(self.error(error.failure));
                }
                Err(Broken::Failed(error)) => return Err(error),
            }
        }
    }

    fn parse<'p>(&self, settled: &'p Settled) -> Result<Page<'p>, TenantError> {
        Page::read(&settled.answer.body).ok_or_else(|| self.garbage(&settled.answer.body))
    }

    /// Counts a page's items and hands on those of the environment. The outer error ends the call, the
    /// inner one this reading.
    fn take(
        &self,
        count: &mut Count<'_>,
        page: &Page<'_>,
        n_expected: u64,
        sink: &mut dyn Sink,
    ) -> Result<Result<(), String>, TenantError> {
        if page.total != count.total {
            return Ok(Err(format!("the total was {} and then {}", count.total, page.total)));
        }
        // A tenant that ignores `limit` sends what other pages are for.
        for item in page.items.iter().take(usize::try_from(n_expected).unwrap_or(usize::MAX)) {
            if let Some(id) = sink.recognise(item) {
                if !count.add(id.as_str(), count.asked.environment.as_str()) {
                    return Ok(Err(format!("`{id}` came twice")));
                }
                sink.take(id.as_str(), item);
                continue;
            }
            let head = Head::read(item).ok_or_else(|| self.garbage(item))?;
            let asked = count.asked.environment.as_str();
            let is_ours = head.environment.as_deref().unwrap_or(asked) == asked;
            let Some(id) = head.id else {
                count.n_nameless += 1;
                if is_ours && !sink.take_nameless(&self.caller.post.mask.excerpt(item)) {
                    return Err(self.garbage(item));
                }
                continue;
            };
            if !count.add(&id, head.environment.as_deref().unwrap_or(asked)) {
                return Ok(Err(format!("`{id}` came twice")));
            }
            if is_ours {
                sink.take(&id, item);
            }
        }
        Ok(Ok(()))
    }

    fn garbage(&self, body: &[u8]) -> TenantError {
        self.error(Failure::Garbage { excerpt: self.caller.post.mask.excerpt(body) })
    }

    fn error(&self, failure: Failure) -> TenantError {
        self.asked.error(self.attempts.load(Ordering::Relaxed), failure)
    }
}

impl Count<'_> {
    /// Counts an item; whether it is the first of its kind.
    fn add(&mut self, id: &str, environment: &str) -> bool {
        let mut hasher = Xxh3::new();
        for part in [id, environment] {
            hasher.update(&(part.len() as u64).to_le_bytes());
            hasher.update(part.as_bytes());
        }
        self.seen.insert(hasher.digest128())
    }

    fn verdict(&self) -> Reading {
        let n_seen = self.seen.len() as u64 + self.n_nameless;
        if n_seen == self.total {
            return Reading::Complete;
        }
        Reading::Unstable(format!("{n_seen} distinct items came, and the total is {}", self.total))
    }
}

/// The lists whose ids alone matter.
pub(super) async fn ids(list: List<'_>) -> Result<Option<BTreeSet<String>>, TenantError> {
    let mut ids = BTreeSet::new();
    let listed = list.read(&mut ids).await?;
    Ok((listed == Listed::Complete).then_some(ids))
}
