//! A whole list, page by page, or no list at all: a short answer must never look like an absence.
//!
//! A list has an end: in items, in bytes on their way, in time. One that moves while it is read is read again.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::time::{Instant, sleep, timeout_at};

use super::super::http::{Asked, Body, Broken, Caller, Ended, Settled, Size, TooMuch, within};
use super::super::{Failure, TenantError};
use super::count::{Count, Counted, ListVerdict};
use super::fit::Fit;
use super::page::{Beginning, Head, Page, PageItem, Told};
use super::request::Requests;
use super::sink::{Item, Sink};

/// Whether the tenant has such a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Listed {
    Complete,
    /// 404, where the call allows for it.
    Unknown,
}

/// How one reading of the list ended.
enum Reading<'a> {
    Counted(Count<'a>),
    Unknown,
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
    fit: Fit,
    attempts: AtomicU32,
}

impl<'a> List<'a> {
    pub(super) fn new(caller: &'a Caller, asked: Asked<'a>, concurrency: usize) -> Self {
        let fit = Fit::new(caller.post.tuning.page_items);
        Self { caller, asked, concurrency, fit, attempts: AtomicU32::new(0) }
    }

    /// Reads the list, again where it moves underneath: with growing pauses, until a reading adds up or two in a row
    /// show the same of the environment while others move.
    pub(super) async fn read(&self, sink: &mut dyn Sink) -> Result<Listed, TenantError> {
        let tuning = &self.caller.post.tuning;
        let deadline = Instant::now() + tuning.list_total;
        let (mut pause, mut total, mut agreed, mut detail) = (tuning.list_pause, None, None, String::new());
        for reading in 1..=tuning.list_reads {
            if reading > 1 {
                let rested = within(self.asked.limits, sleep(pause)).await;
                rested.map_err(|ended| self.error(incomplete_or_ended(ended, &detail, reading - 1)))?;
                pause *= 2;
                sink.clear();
            }
            let read = timeout_at(deadline, self.read_once(sink)).await;
            let Ok(read) = read else {
                let detail = format!("it was not at its end after {} s", tuning.list_total.as_secs_f64());
                return Err(self.error(Failure::Endless { detail }));
            };
            let Reading::Counted(count) = read? else { return Ok(Listed::Unknown) };
            let before = std::mem::replace(&mut total, count.total());
            let ListVerdict::Open { why, own } = count.verdict(before) else { return Ok(Listed::Complete) };
            if own.is_some() && own == agreed {
                return Ok(Listed::Complete);
            }
            (agreed, detail) = (own, self.caller.post.mask.clean(&why));
            tracing::debug!(call = %self.asked.call, reading, detail, "the list does not add up");
        }
        Err(self.error(incomplete(&detail, tuning.list_reads)))
    }

    async fn read_once(&self, sink: &mut dyn Sink) -> Result<Reading<'a>, TenantError> {
        let mut count = Count::new(self.asked.environment.as_str());
        // Only a page that is whole says how many there are.
        let (mut next, mut step) = (0, 0);
        while count.total().is_none() {
            let Some(first) = self.fetch(next, u64::MAX).await? else { return Ok(Reading::Unknown) };
            step = self.take(&mut count, &first, u64::MAX, sink)?;
            next += step;
        }
        let end = count.end().unwrap_or_default();
        if step == 0 && next < end {
            count.found_nothing_at(next);
            return Ok(Reading::Counted(count));
        }
        self.rest(count, next, step.max(1), sink).await
    }

    /// The pages after the first, side by side.
    async fn rest(
        &self,
        mut count: Count<'a>,
        mut next: u64,
        step: u64,
        sink: &mut dyn Sink,
    ) -> Result<Reading<'a>, TenantError> {
        let mut gaps = Vec::new();
        let mut pages = FuturesUnordered::new();
        loop {
            while pages.len() < self.concurrency {
                let end = count.end().unwrap_or_default();
                let span = gaps.pop().or_else(|| {
                    let span = Span { from: next, to: next.saturating_add(step).min(end) };
                    next = span.to.max(next);
                    (span.from < span.to).then_some(span)
                });
                let Some(span) = span else { break };
                // At its end a list may have grown meanwhile: whatever comes there is taken.
                let most = if span.to >= end { u64::MAX } else { span.to - span.from };
                pages.push(async move { (span, most, self.fetch(span.from, most).await) });
            }
            let Some((span, most, fetched)) = pages.next().await else { return Ok(Reading::Counted(count)) };
            let Some(settled) = fetched? else { return Ok(Reading::Unknown) };
            let n_items = self.take(&mut count, &settled, most, sink)?;
            let reached = span.from.saturating_add(n_items);
            if n_items == 0 {
                count.found_nothing_at(span.from);
            } else if reached < span.to {
                gaps.push(Span { from: reached, to: span.to });
            } else if most == u64::MAX {
                next = next.max(reached);
            }
        }
    }

    /// The page at `offset`, of at most `most` items, of fewer where so large a one cannot be had.
    /// `None` for a 404 that the call allows for.
    async fn fetch(&self, offset: u64, most: u64) -> Result<Option<Settled>, TenantError> {
        let Asked { call, environment, .. } = self.asked;
        let requests = Requests { base: &self.caller.base, tuning: &self.caller.post.tuning };
        let wanted = self.fit.n_items().min(most);
        let mut n_items = wanted;
        loop {
            let size = if n_items > 1 { Size::Shrinks } else { Size::Single };
            let body = Body { size, bytes_expected: self.fit.bytes_of(n_items) };
            let request = requests.page(call, environment, n_items, offset);
            match self.caller.call_sized(&self.asked, &request, body).await {
                Ok(settled) => {
                    self.attempts.fetch_add(settled.attempts, Ordering::Relaxed);
                    // One item alone that is too large says nothing of the others.
                    if n_items < wanted && n_items > 1 {
                        self.fit.at_most(n_items);
                    }
                    return Ok((settled.answer.status != 404).then_some(settled));
                }
                Err(Broken::AskForLess { attempts, why }) => {
                    self.attempts.fetch_add(attempts, Ordering::Relaxed);
                    n_items = (n_items / 2).max(1);
                    if why == TooMuch::Slow {
                        self.fit.at_most(n_items);
                    }
                }
                Err(Broken::Failed(error)) if error.call == call => {
                    self.attempts.fetch_add(error.attempts, Ordering::Relaxed);
                    return Err(self.error(error.failure));
                }
                Err(Broken::Failed(error)) => return Err(error),
            }
        }
    }

    /// Counts a page's items, at most `n_expected` of them, and hands on those of the environment. How many there were.
    fn take(
        &self,
        count: &mut Count<'_>,
        settled: &Settled,
        n_expected: u64,
        sink: &mut dyn Sink,
    ) -> Result<u64, TenantError> {
        let body = settled.answer.body.as_slice();
        if settled.answer.is_cut {
            return self.take_cut(count, body, sink);
        }
        let Page { items, total } = Page::read(body, &|text| sink.recognise(text)).ok_or_else(|| self.garbage(body))?;
        let n_items = items.len() as u64;
        self.fit.came(body.len() as u64, n_items);
        count.says(total);
        self.check_end(count, total)?;
        let mut unread = Vec::new();
        // A tenant that ignores `limit` sends what other pages are for.
        for PageItem { text, told } in items.into_iter().take(usize::try_from(n_expected).unwrap_or(usize::MAX)) {
            match told {
                Told::Known(flow) => {
                    let counted = count.add(flow.id.as_str(), self.asked.environment.as_str(), text);
                    if counted == Counted::Own {
                        sink.take_known(*flow);
                    }
                }
                Told::Head(head) => unread.extend(self.take_item(count, head, text, sink)?),
                Told::Nothing => return Err(self.garbage(text)),
            }
        }
        sink.take(&unread);
        self.check_end(count, count.n_seen())?;
        Ok(n_items)
    }

    /// Counts an item that nobody recognised. It is the caller's to hand on, with others, if it is of the environment.
    fn take_item<'i>(
        &self,
        count: &mut Count<'_>,
        head: Head<'i>,
        item: &'i [u8],
        sink: &mut dyn Sink,
    ) -> Result<Option<Item<'i>>, TenantError> {
        let asked = self.asked.environment.as_str();
        let Head { id, environment } = head;
        let environment = environment.as_deref().unwrap_or(asked);
        match id {
            Some(id) if count.add(&id, environment, item) == Counted::Own => return Ok(Some(Item { id, text: item })),
            Some(_) => {}
            None => {
                count.add_nameless();
                self.take_nameless(environment, item, sink)?;
            }
        }
        Ok(None)
    }

    /// Takes the one item of a page that was too large to be taken whole, and that was asked for alone.
    fn take_cut(&self, count: &mut Count<'_>, body: &[u8], sink: &mut dyn Sink) -> Result<u64, TenantError> {
        let bytes_max = self.caller.post.tuning.body_bytes_max;
        let too_large = || self.error(Failure::TooLarge { limit_bytes: bytes_max });
        let Beginning { items, cut, total } = Beginning::read(body).ok_or_else(too_large)?;
        if let Some(total) = total {
            count.says(total);
        }
        let asked = self.asked.environment.as_str();
        match (items.first(), cut) {
            (Some(item), _) => {
                let head = Head::read(item).ok_or_else(|| self.garbage(item))?;
                if let Some(item) = self.take_item(count, head, item, sink)? {
                    sink.take(&[item]);
                }
            }
            (None, Some(cut)) => {
                let Head { id, environment } = Head::read(cut).ok_or_else(|| self.garbage(cut))?;
                let environment = environment.as_deref().unwrap_or(asked);
                match id {
                    Some(id) if count.add(&id, environment, cut) == Counted::Own => {
                        sink.take_beginning(&id, cut, bytes_max);
                    }
                    Some(_) => {}
                    None => {
                        count.add_nameless();
                        self.take_nameless(environment, cut, sink)?;
                    }
                }
            }
            (None, None) => return Err(too_large()),
        }
        Ok(1)
    }

    fn take_nameless(&self, environment: &str, item: &[u8], sink: &mut dyn Sink) -> Result<(), TenantError> {
        let is_own = environment == self.asked.environment.as_str();
        if is_own && !sink.take_nameless(&self.caller.post.mask.excerpt(item)) {
            return Err(self.garbage(item));
        }
        Ok(())
    }

    /// Whether the list is one that somebody could wait for.
    fn check_end(&self, count: &Count<'_>, n_items: u64) -> Result<(), TenantError> {
        let tuning = &self.caller.post.tuning;
        let detail = if n_items > tuning.list_items_max {
            format!("the tenant speaks of {n_items} items, and no more than {} are read", tuning.list_items_max)
        } else if count.n_own() > tuning.own_items_max {
            format!("more than {} items are in this environment alone", tuning.own_items_max)
        } else {
            return Ok(());
        };
        Err(self.error(Failure::Endless { detail }))
    }

    fn garbage(&self, body: &[u8]) -> TenantError {
        self.error(Failure::Garbage { excerpt: self.caller.post.mask.excerpt(body) })
    }

    fn error(&self, failure: Failure) -> TenantError {
        self.asked.error(self.attempts.load(Ordering::Relaxed), failure)
    }
}

fn incomplete(detail: &str, n_readings: u32) -> Failure {
    Failure::Incomplete { detail: format!("{detail}; read {n_readings} times") }
}

fn incomplete_or_ended(ended: Ended, detail: &str, n_readings: u32) -> Failure {
    match ended {
        Ended::Lease => Failure::LeaseEnded,
        Ended::Patience => incomplete(detail, n_readings),
    }
}

/// The lists whose ids alone matter.
pub(super) async fn ids(list: List<'_>) -> Result<Option<BTreeSet<String>>, TenantError> {
    let mut ids = BTreeSet::new();
    let listed = list.read(&mut ids).await?;
    Ok((listed == Listed::Complete).then_some(ids))
}
