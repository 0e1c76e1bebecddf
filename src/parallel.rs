//! Work for every core, with its results in order.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock, PoisonError, mpsc};

/// Items a worker takes at a time.
const ITEMS_AT_ONCE: usize = 32;

/// What `work` makes of each item, in their order; of the errors, the first by that order.
pub(crate) fn try_map<T, R, E>(items: &[T], work: impl Fn(&T) -> Result<R, E> + Sync) -> Result<Vec<R>, E>
where
    T: Sync,
    R: Send,
    E: Send,
{
    let n_workers = n_cores().min(items.len().div_ceil(ITEMS_AT_ONCE)).max(1);
    let next = AtomicUsize::new(0);
    let take_turns = || {
        let mut done = Vec::new();
        loop {
            let turn = next.fetch_add(1, Ordering::Relaxed);
            let Some(some) = items.chunks(ITEMS_AT_ONCE).nth(turn) else { return done };
            done.push((turn, some.iter().map(&work).collect::<Result<Vec<R>, E>>()));
        }
    };
    let mut done = std::thread::scope(|scope| {
        let workers: Vec<_> = (1..n_workers).map(|_| scope.spawn(take_turns)).collect();
        let mut done = take_turns();
        for worker in workers {
            done.extend(worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        done
    });
    done.sort_by_key(|(turn, _)| *turn);
    let mut results = Vec::with_capacity(items.len());
    for (_, some) in done {
        results.extend(some?);
    }
    Ok(results)
}

/// What `work` makes of even shares of the items, one a core, joined in their order; of the errors, the first by that
/// order. For work that has to open something first.
pub(crate) fn try_shares<T, R, E>(items: &[T], work: impl Fn(&[T]) -> Result<Vec<R>, E> + Sync) -> Result<Vec<R>, E>
where
    T: Sync,
    R: Send,
    E: Send,
{
    let n_shares = n_cores().min(items.len() / ITEMS_AT_ONCE).max(1);
    let shares: Vec<&[T]> = items.chunks(items.len().div_ceil(n_shares).max(1)).collect();
    let Some((first, others)) = shares.split_first() else { return Ok(Vec::new()) };
    std::thread::scope(|scope| {
        let others: Vec<_> = others.iter().map(|share| scope.spawn(|| work(share))).collect();
        let mut done = vec![work(first)];
        done.extend(others.into_iter().map(|it| it.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))));
        let mut results = Vec::with_capacity(items.len());
        for some in done {
            results.extend(some?);
        }
        Ok(results)
    })
}

/// What `feed` makes, while others work on what it hands over on the way: everything once, in any order. Where that is
/// little it is worked on afterwards, by nobody else. Of the errors, that of `feed` counts first.
pub(crate) fn try_feed<I: Send, T, E: Send>(
    feed: impl FnOnce(&mut dyn FnMut(I)) -> Result<T, E>,
    work: impl Fn(&mut dyn Iterator<Item = I>) -> Result<(), E> + Sync,
) -> Result<T, E> {
    let (sender, receiver) = mpsc::channel::<Vec<I>>();
    let receiver = Mutex::new(receiver);
    let next = || receiver.lock().unwrap_or_else(PoisonError::into_inner).recv().ok();
    let work_off = || work(&mut std::iter::from_fn(next).flatten());
    std::thread::scope(|scope| {
        let (mut workers, mut waiting) = (Vec::new(), Vec::new());
        let fed = feed(&mut |item| {
            waiting.push(item);
            if waiting.len() == ITEMS_AT_ONCE {
                if workers.is_empty() {
                    workers.extend((0..n_cores()).map(|_| scope.spawn(work_off)));
                }
                // The other end outlives this scope.
                let _ = sender.send(std::mem::take(&mut waiting));
            }
        });
        let _ = sender.send(waiting);
        drop(sender);
        let mut done = if fed.is_ok() && workers.is_empty() { work_off() } else { Ok(()) };
        for worker in workers {
            done = done.and(worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        let fed = fed?;
        done.map(|()| fed)
    })
}

/// Asked for once: the answer is read from several files.
fn n_cores() -> usize {
    static CORES: OnceLock<usize> = OnceLock::new();
    *CORES.get_or_init(|| std::thread::available_parallelism().map_or(1, usize::from))
}

/// As [`try_map`], for work that cannot fail.
pub(crate) fn map<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let Ok(results) = try_map(items, |item| Ok::<_, std::convert::Infallible>(work(item)));
    results
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_items_and_the_first_error_counts() {
        let items: Vec<u32> = (0..1000).collect();
        assert_eq!(map(&items, |item| item * 2), (0..1000).map(|item| item * 2).collect::<Vec<_>>());
        let from_100 = |item: &u32| if *item >= 100 { Err(*item) } else { Ok(()) };
        assert_eq!(try_map(&items, from_100), Err(100));
        assert!(map(&[], |item: &u32| *item).is_empty());
        for n_items in [0, 1, 31, 64, 65, 1000] {
            let items = &items[..n_items];
            let shares = try_shares(items, |some| Ok::<_, u32>(some.to_vec()));
            assert_eq!(shares.as_deref(), Ok(items));
        }
        let from_100 = |some: &[u32]| some.iter().map(from_100).collect();
        assert_eq!(try_shares(&items, from_100), Err(100));
    }

    #[test]
    fn what_is_handed_over_is_worked_on_once_and_the_feeders_error_counts_first() {
        let (ends_well, ends_badly): (Result<&str, u32>, _) = (Ok("fed"), Err(9999));
        for n_items in [0, 1, 31, 32, 33, 1000] {
            for (end, bad) in [(ends_well, None), (ends_well, Some(0)), (ends_well, Some(999)), (ends_badly, Some(0))] {
                let seen = Mutex::new(Vec::new());
                let feed = |hand_over: &mut dyn FnMut(u32)| {
                    (0..n_items).for_each(hand_over);
                    end
                };
                let work = |items: &mut dyn Iterator<Item = u32>| {
                    for item in items {
                        seen.lock().unwrap().push(item);
                        if Some(item) == bad {
                            return Err(item);
                        }
                    }
                    Ok(())
                };
                let wanted = end.and_then(|fed| bad.filter(|bad| *bad < n_items).map_or(Ok(fed), Err));
                assert_eq!(try_feed(feed, work), wanted, "{n_items} items, {bad:?} is bad");
                if wanted.is_ok() {
                    let mut seen = seen.into_inner().unwrap();
                    seen.sort_unstable();
                    assert_eq!(seen, (0..n_items).collect::<Vec<_>>());
                }
            }
        }
    }
}
