//! The zip around the files, within bounds, and without entries for folders: the vendor refuses those.

use std::collections::BTreeMap;
use std::io::{Cursor, Read, Write};

use serde_json::Value;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

/// The largest file in a package, all of them together, and how many there may be: a small zip may hold a large
/// nothing.
const FILE_BYTES_MAX: u64 = 64 * 1024 * 1024;
const BYTES_MAX: u64 = 512 * 1024 * 1024;
const FILES_MAX: usize = 500_000;

/// The JSON files of a package, by their names.
///
/// # Errors
/// In words: it is no zip, or more than anybody would take, or what is in it is no JSON.
pub(super) fn unpack(bytes: &[u8]) -> Result<BTreeMap<String, Value>, String> {
    let broken = |error: zip::result::ZipError| format!("the package is no zip that can be read: {error}");
    let mut zip = ZipArchive::new(Cursor::new(bytes)).map_err(broken)?;
    if zip.len() > FILES_MAX {
        return Err(format!("the package holds {} files, more than {FILES_MAX}", zip.len()));
    }
    let (mut files, mut left) = (BTreeMap::new(), BYTES_MAX);
    for index in 0..zip.len() {
        let entry = zip.by_index(index).map_err(broken)?;
        if entry.is_dir() {
            continue;
        }
        let name = entry.name().map_err(broken)?.into_owned();
        let most = FILE_BYTES_MAX.min(left);
        let mut text = Vec::new();
        let read = entry.take(most + 1).read_to_end(&mut text);
        let n_bytes = read.map_err(|error| format!("`{name}` in the package cannot be read: {error}"))? as u64;
        if n_bytes > most {
            return Err(format!("`{name}` in the package is too large, or all of it together is"));
        }
        left -= n_bytes;
        let value = serde_json::from_slice(&text);
        files.insert(name.clone(), value.map_err(|error| format!("`{name}` in the package is no JSON: {error}"))?);
    }
    Ok(files)
}

/// A package of these files.
///
/// # Errors
/// In words: there is too much of them.
pub(super) fn pack(files: &BTreeMap<String, Value>) -> Result<Vec<u8>, String> {
    let failed = |error: &dyn std::fmt::Display| format!("the package cannot be made: {error}");
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, value) in files {
        zip.start_file(name.as_str(), SimpleFileOptions::default()).map_err(|error| failed(&error))?;
        zip.write_all(value.to_string().as_bytes()).map_err(|error| failed(&error))?;
    }
    zip.finish().map(Cursor::into_inner).map_err(|error| failed(&error))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_packed_is_what_is_unpacked_and_no_folder_is_an_entry() {
        let files =
            BTreeMap::from([("index.json".to_owned(), json!({"a": 1.5})), ("flow/x".to_owned(), json!({"b": "ä"}))]);
        let bytes = pack(&files).unwrap();
        assert_eq!(unpack(&bytes).unwrap(), files);
        let zip = ZipArchive::new(Cursor::new(&bytes)).unwrap();
        assert_eq!(zip.file_names().count(), 2);
    }

    #[test]
    fn what_is_no_package_says_why() {
        assert!(unpack(b"<html>").unwrap_err().contains("no zip"));
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("flow/x", SimpleFileOptions::default()).unwrap();
        zip.write_all(b"{").unwrap();
        let bytes = zip.finish().unwrap().into_inner();
        assert!(unpack(&bytes).unwrap_err().contains("`flow/x` in the package is no JSON"));
    }

    #[test]
    fn a_small_zip_that_holds_a_large_nothing_is_not_unpacked() {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("flow/x", SimpleFileOptions::default()).unwrap();
        let nothing = vec![b' '; 1024 * 1024];
        (0..=64).for_each(|_| zip.write_all(&nothing).unwrap());
        let bytes = zip.finish().unwrap().into_inner();
        assert!(bytes.len() < 1024 * 1024);
        assert!(unpack(&bytes).unwrap_err().contains("too large"));
    }
}
