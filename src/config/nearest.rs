//! What somebody probably meant.

/// The known name that is most like `name`, if any is like it at all; case, `_` and `-` do not count.
#[must_use]
pub fn nearest<'n>(name: &str, known: impl IntoIterator<Item = &'n str>) -> Option<&'n str> {
    let plain = |text: &str| text.replace(['_', '-'], "").to_lowercase();
    let wanted = plain(name);
    let near = known.into_iter().map(|candidate| (strsim::osa_distance(&wanted, &plain(candidate)), candidate));
    near.filter(|(distance, candidate)| *distance <= (candidate.len().min(name.len()) / 3).max(1))
        .min()
        .map(|(_, it)| it)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_near() {
        let known = ["interval", "concurrency", "clientId", "url"];
        assert_eq!(nearest("intervall", known), Some("interval"));
        assert_eq!(nearest("client_id", known), Some("clientId"));
        assert_eq!(nearest("uri", known), Some("url"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("", known), None);
    }
}
