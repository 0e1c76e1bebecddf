//! The headers of one request, each of which counts only where it stands once.

/// The headers of one request.
#[derive(Debug)]
pub(super) struct Headers<'r>(Vec<(&'r str, &'r [u8])>);

/// How often a header stands in a request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Header<'r> {
    Absent,
    Once(&'r [u8]),
    /// Who of several proxies or senders meant which is anybody's guess.
    Repeated,
}

impl<'r> Headers<'r> {
    pub(super) fn new(headers: impl IntoIterator<Item = (&'r str, &'r [u8])>) -> Self {
        Self(headers.into_iter().collect())
    }

    /// `name` in lower case.
    pub(super) fn get(&self, name: &str) -> Header<'r> {
        let mut found = self.0.iter().filter(|(other, _)| other.eq_ignore_ascii_case(name)).map(|(_, value)| *value);
        match (found.next(), found.next()) {
            (None, _) => Header::Absent,
            (Some(value), None) => Header::Once(value.trim_ascii()),
            (Some(_), Some(_)) => Header::Repeated,
        }
    }

    /// The text of a header that stands once.
    pub(super) fn text(&self, name: &str) -> Option<&'r str> {
        match self.get(name) {
            Header::Once(value) => std::str::from_utf8(value).ok(),
            Header::Absent | Header::Repeated => None,
        }
    }
}
