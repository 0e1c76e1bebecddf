//! Room on a disk and in the process, secured before it is needed.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

/// Written at a time where a file system cannot allocate.
const PIECE: usize = 64 * 1024;

/// Makes `file` at least `bytes` long, with room on the disk for all of it; what is new reads as zeros.
/// Fails where the disk is full, or the file would be larger than the process may write.
pub(super) fn allocate(file: &File, bytes: u64) -> io::Result<()> {
    let length = file.metadata()?.len();
    let Some(missing) = bytes.checked_sub(length).filter(|missing| *missing > 0) else { return Ok(()) };
    if !allocate_at_once(file, length, missing)? {
        fill(file, length, missing)?;
    }
    file.sync_all()
}

/// False where this file system has no such call.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn allocate_at_once(file: &File, from: u64, bytes: u64) -> io::Result<bool> {
    use rustix::fs::{FallocateFlags, fallocate};
    use rustix::io::Errno;
    loop {
        match fallocate(file, FallocateFlags::empty(), from, bytes) {
            Ok(()) => return Ok(true),
            Err(Errno::INTR) => {}
            Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => return Ok(false),
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[allow(clippy::unnecessary_wraps, reason = "same shape as on Linux")]
fn allocate_at_once(_: &File, _: u64, _: u64) -> io::Result<bool> {
    Ok(false)
}

fn fill(mut file: &File, from: u64, bytes: u64) -> io::Result<()> {
    file.seek(SeekFrom::Start(from))?;
    let zeros = [0; PIECE];
    let mut left = bytes;
    while left > 0 {
        let piece = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        file.write_all(&zeros[..piece])?;
        left = left.saturating_sub(piece as u64);
    }
    Ok(())
}

/// Whether so many more files can be open at once in this process.
pub(super) fn try_descriptors(file: &File, n_descriptors: usize) -> io::Result<()> {
    (0..n_descriptors).map(|_| file.try_clone()).collect::<io::Result<Vec<File>>>().map(drop)
}

/// What was written to a file that was made longer than that: zeros at the end are nobody's text.
pub(super) fn written(mut content: Vec<u8>) -> Vec<u8> {
    let end = content.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    content.truncate(end);
    content
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_zeros_that_are_nobodys_text() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"one\n").unwrap();
        allocate(&file, 100_000).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 100_000);
        allocate(&file, 50_000).unwrap();
        fill(&file, 100_000, 70_000).unwrap();
        assert_eq!(file.metadata().unwrap().len(), 170_000, "it never gets shorter");
        let mut content = Vec::new();
        file.seek(SeekFrom::Start(0)).unwrap();
        io::Read::read_to_end(&mut file, &mut content).unwrap();
        assert_eq!(written(content), b"one\n");
        assert_eq!(written(vec![0; 9]), b"");
    }
}
