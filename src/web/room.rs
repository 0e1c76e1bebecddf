//! Room for answers on their way into memory: so many bytes in all, whoever asks and however much is sent.
//!
//! Most answers are small and share one part. One that grows beyond what the sharers have left, or beyond
//! [`SHARE_BYTES_MAX`], goes on when it is the only such one: its sender waits meanwhile. Whoever is alone waits for
//! nobody, so that nobody waits for ever.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes of all answers that share.
const SHARED_BYTES: u64 = 32 * 1024 * 1024;
/// The most bytes of one answer that shares.
pub(crate) const SHARE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// What one permit stands for, in bytes.
const BLOCK_BYTES: u64 = 64 * 1024;

/// The room of one process, or of one client where it is on its own.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    shared: Arc<Semaphore>,
    alone: Arc<Semaphore>,
}

/// An answer's place in it, given back when dropped.
#[derive(Debug)]
pub(crate) struct Place {
    room: Room,
    shared: Option<OwnedSemaphorePermit>,
    alone: Option<OwnedSemaphorePermit>,
}

impl Default for Room {
    fn default() -> Self {
        let shared = Arc::new(Semaphore::new(blocks(SHARED_BYTES) as usize));
        Self { shared, alone: Arc::new(Semaphore::new(1)) }
    }
}

impl Room {
    /// A place for an answer that is expected to have so many bytes. It may grow.
    pub(crate) async fn expecting(&self, bytes: u64) -> Place {
        let mut place = Place { room: self.clone(), shared: None, alone: None };
        if bytes > SHARE_BYTES_MAX {
            place.be_alone().await;
        } else {
            let share = Arc::clone(&self.shared).acquire_many_owned(blocks(bytes.max(1)));
            // The semaphore is never closed; without a permit the place is only counted later.
            place.shared = share.await.ok();
        }
        place
    }
}

impl Place {
    /// Waits until the answer may have so many bytes.
    pub(crate) async fn grow_to(&mut self, bytes: u64) {
        let held = self.shared.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        let missing = (blocks(bytes) as usize).saturating_sub(held);
        if self.alone.is_some() || missing == 0 {
            return;
        }
        let missing = u32::try_from(missing).unwrap_or(u32::MAX);
        let more = (bytes <= SHARE_BYTES_MAX)
            .then(|| Arc::clone(&self.room.shared).try_acquire_many_owned(missing).ok())
            .flatten();
        match (&mut self.shared, more) {
            (Some(shared), Some(more)) => shared.merge(more),
            (shared @ None, Some(more)) => *shared = Some(more),
            (_, None) => self.be_alone().await,
        }
    }

    async fn be_alone(&mut self) {
        self.alone = Arc::clone(&self.room.alone).acquire_owned().await.ok();
        self.shared = None;
    }
}

fn blocks(bytes: u64) -> u32 {
    u32::try_from(bytes.div_ceil(BLOCK_BYTES)).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt as _;

    use super::*;

    const MIB: u64 = 1024 * 1024;

    fn free(room: &Room) -> (usize, usize) {
        (room.shared.available_permits(), room.alone.available_permits())
    }

    #[tokio::test]
    async fn small_answers_share_and_one_large_one_goes_on_alone() {
        let room = Room::default();
        let empty = free(&room);
        let mut places = Vec::new();
        for _ in 0..8 {
            let mut place = room.expecting(MIB).await;
            place.grow_to(4 * MIB).await;
            places.push(place);
        }
        assert_eq!(free(&room), (0, 1), "eight of 4 MiB are all there is");
        assert!(room.expecting(1).now_or_never().is_none(), "the next one waits before it is asked for");
        places[0].grow_to(4 * MIB + 1).await;
        assert_eq!(free(&room), (64, 0), "and leaves its share to others");
        assert!(places[1].grow_to(5 * MIB).now_or_never().is_none(), "one at a time");
        places[0].grow_to(64 * MIB).now_or_never().unwrap();
        places.remove(0);
        places[0].grow_to(5 * MIB).await;
        places.clear();
        assert_eq!(free(&room), empty);
    }

    #[tokio::test]
    async fn whoever_is_expected_to_be_large_waits_before_it_is_asked_for() {
        let room = Room::default();
        let first = room.expecting(60 * MIB).await;
        assert!(room.expecting(60 * MIB).now_or_never().is_none());
        assert!(room.expecting(MIB).now_or_never().is_some(), "the small ones go on");
        drop(first);
        assert!(room.expecting(60 * MIB).now_or_never().is_some());
    }
}
