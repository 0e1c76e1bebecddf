//! Work for every core, with its results in order.

use std::sync::atomic::{AtomicUsize, Ordering};

/// Items a worker takes at a time.
const ITEMS_AT_ONCE: usize = 32;

/// What `work` makes of each item, in their order; of the errors, the first by that order.
pub(crate) fn try_map<T, R, E>(items: &[T], work: impl Fn(&T) -> Result<R, E> + Sync) -> Result<Vec<R>, E>
where
    T: Sync,
    R: Send,
    E: Send,
{
    let n_cores = std::thread::available_parallelism().map_or(1, usize::from);
    let n_workers = n_cores.min(items.len().div_ceil(ITEMS_AT_ONCE)).max(1);
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
    }
}
