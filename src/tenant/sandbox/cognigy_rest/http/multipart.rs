//! `multipart/form-data`, as far as uploads need it: parts with a name, whole in memory.

use std::collections::BTreeMap;

/// The bytes of each part, by its name; none where the body is no such form.
pub(crate) fn parts(content_type: &str, body: &[u8]) -> Option<BTreeMap<String, Vec<u8>>> {
    let boundary = content_type.split(';').find_map(|part| part.trim().strip_prefix("boundary="))?;
    let delimiter = format!("--{}", boundary.trim_matches('"')).into_bytes();
    let mut parts = BTreeMap::new();
    let mut rest = &body[find(body, &delimiter)? + delimiter.len()..];
    while let Some(part) = rest.strip_prefix(b"\r\n") {
        let end = find(part, &[b"\r\n".as_slice(), &delimiter].concat())?;
        let head_end = find(&part[..end], b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&part[..head_end]);
        parts.insert(name(&head)?, part[head_end + 4..end].to_vec());
        rest = &part[end + 2 + delimiter.len()..];
    }
    rest.starts_with(b"--").then_some(parts)
}

/// `name` of a part's `Content-Disposition`.
fn name(head: &str) -> Option<String> {
    let disposition = head.lines().find(|line| line.to_ascii_lowercase().starts_with("content-disposition:"))?;
    let name = disposition.split(';').find_map(|part| part.trim().strip_prefix("name="))?;
    Some(name.trim_matches('"').to_owned())
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes.windows(wanted.len()).position(|window| window == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_found_whatever_bytes_they_hold() {
        let body = b"--x\r\nContent-Disposition: form-data; name=\"mode\"\r\n\r\nmerge\r\n--x\r\n\
            Content-Disposition: form-data; name=\"file\"; filename=\"a.zip\"\r\nContent-Type: application/zip\r\n\r\n\
            a\r\n--\r\nb\r\n--x--\r\n";
        let parts = parts("multipart/form-data; boundary=\"x\"", body).unwrap();
        assert_eq!(parts["mode"], b"merge");
        assert_eq!(parts["file"], b"a\r\n--\r\nb");
    }

    #[test]
    fn what_is_no_such_form_is_none() {
        for body in ["", "--x", "--x\r\nname", "--x\r\nContent-Disposition: form-data\r\n\r\na\r\n--x--"] {
            assert_eq!(parts("multipart/form-data; boundary=x", body.as_bytes()), None, "{body}");
        }
        assert_eq!(parts("application/json", b"--x--"), None);
    }
}
