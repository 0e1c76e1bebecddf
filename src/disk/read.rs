//! Reading a file that somebody named: never waits for a writer, never takes more than there is room for.

use std::fs::File;
use std::io::{Error, ErrorKind, Read as _, Result};
use std::path::Path;

/// The whole of a regular file of at most `bytes_max` bytes; a link is followed.
///
/// # Errors
/// Where there is none, it cannot be read, it is larger, or it is a folder, a FIFO, a socket or a device: those may
/// never end, and opening some of them waits for somebody else.
pub(crate) fn read_regular(path: &Path, bytes_max: u64) -> Result<Vec<u8>> {
    // Looked at before it is opened: opening a FIFO waits for its writer.
    let kind = std::fs::metadata(path)?.file_type();
    if !kind.is_file() {
        let message = format!("expected a regular file, found {}", name_of(kind));
        return Err(Error::new(ErrorKind::InvalidInput, message));
    }
    let mut content = Vec::new();
    // What the file says of its size does not bind it.
    File::open(path)?.take(bytes_max + 1).read_to_end(&mut content)?;
    if content.len() as u64 > bytes_max {
        let message = format!("expected at most {bytes_max} bytes, found more");
        return Err(Error::new(ErrorKind::FileTooLarge, message));
    }
    Ok(content)
}

#[cfg(unix)]
fn name_of(kind: std::fs::FileType) -> &'static str {
    use std::os::unix::fs::FileTypeExt as _;
    match () {
        () if kind.is_dir() => "a folder",
        () if kind.is_fifo() => "a FIFO",
        () if kind.is_socket() => "a socket",
        () => "a device",
    }
}

#[cfg(not(unix))]
fn name_of(kind: std::fs::FileType) -> &'static str {
    if kind.is_dir() { "a folder" } else { "a device" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_regular_file_is_read_up_to_its_bound() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        std::fs::write(&file, "12345678").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        for path in [&file, &link] {
            assert_eq!(read_regular(path, 8).unwrap(), b"12345678");
            let error = read_regular(path, 7).unwrap_err();
            assert_eq!(error.to_string(), "expected at most 7 bytes, found more");
        }
        assert_eq!(read_regular(&folder.path().join("none"), 8).unwrap_err().kind(), ErrorKind::NotFound);
    }

    #[test]
    fn what_is_no_regular_file_is_named_and_never_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        let socket = folder.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        for (path, kind) in [
            (fifo.as_path(), "a FIFO"),
            (socket.as_path(), "a socket"),
            (folder.path(), "a folder"),
            (Path::new("/dev/zero"), "a device"),
        ] {
            let error = read_regular(path, 8).unwrap_err().to_string();
            assert_eq!(error, format!("expected a regular file, found {kind}"));
        }
    }
}
