//! Which files of a flows folder are flows. One rule for commits, work trees and the repository in memory.

use std::collections::HashMap;

use super::listing::{
    BAD_ENTRIES_MAX, BadEntry, BadEntryReason, COPIES_MAX, ENTRIES_MAX, FOLDER_DEPTH_MAX, LeftOut, LeftOutReason,
    Listing,
};
use crate::config::{self, Exclude};
use crate::format::{self, Format};
use crate::revision::BlobId;

/// So many bytes of files that may be flows by another name are looked at in one walk.
const PEEKED_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// A flows folder, and what in it is left out.
#[derive(Debug, Clone)]
pub struct FlowSelection {
    folder: String,
    exclude: Exclude,
    /// The folder of the overlays over its flows.
    overlays: Option<String>,
    format: Format,
}

/// What a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Judged {
    /// A flow file.
    Flow,
    /// A file or folder that is not read.
    LeftOut(LeftOutReason),
}

impl FlowSelection {
    /// As an environment has it.
    #[must_use]
    pub fn of(repository: &config::Repository) -> Self {
        let config::Repository { flows, exclude, overlays, format, .. } = repository;
        Self {
            folder: flows.to_string(),
            exclude: exclude.clone(),
            overlays: Some(overlays.to_string()),
            format: *format,
        }
    }

    /// A folder from which nothing is excluded by name, and that no overlays go with; `""` is the root.
    #[must_use]
    pub fn whole(folder: &str) -> Self {
        Self { folder: folder.to_owned(), exclude: Exclude::default(), overlays: None, format: Format::default() }
    }

    /// The same, with flows that stand in files in another way.
    #[must_use]
    pub fn in_format(self, format: Format) -> Self {
        Self { format, ..self }
    }

    /// How its flows stand in files.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// The folder of the overlays over its flows, from the root of the repository.
    #[must_use]
    pub fn overlays(&self) -> Option<&str> {
        self.overlays.as_deref()
    }

    /// The overlays over its flows, as a folder to be walked.
    pub(super) fn of_overlays(&self) -> Option<Self> {
        self.overlays().map(Self::whole)
    }

    /// The flows folder, from the root of the repository.
    #[must_use]
    pub fn folder(&self) -> &str {
        &self.folder
    }

    /// Whether a path from the root is the flows folder or lies in it.
    #[must_use]
    pub fn holds(&self, path: &str) -> bool {
        self.folder.is_empty()
            || path.strip_prefix(&self.folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    }

    /// The path seen from the flows folder.
    fn below<'p>(&self, path: &'p str) -> &'p str {
        path.strip_prefix(&self.folder).unwrap_or(path).trim_start_matches('/')
    }

    /// Why a folder, given from the root, is not entered.
    fn folder_left_out(&self, path: &str) -> Option<LeftOutReason> {
        let below = self.below(path);
        let name = below.rsplit('/').next().unwrap_or(below);
        if self.exclude.names(below) {
            Some(LeftOutReason::Excluded)
        } else {
            name.starts_with('.').then_some(LeftOutReason::DotFolder)
        }
    }

    /// The outermost folder on the way from the flows folder to `path` that is not entered.
    pub(super) fn left_out_above(&self, path: &str) -> Option<LeftOut> {
        let below = self.below(path);
        let from = path.len() - below.len();
        let ends = below.match_indices('/').map(|(at, _)| from + at);
        let left_out = |end| {
            let folder: &str = &path[..end];
            self.folder_left_out(folder).map(|reason| LeftOut { path: folder.to_owned(), reason })
        };
        ends.map(left_out).find_map(|found| found)
    }

    /// What a file, given from the root, is by its name; the folders on its way are not looked at.
    pub(super) fn file(&self, path: &str) -> Judged {
        let below = self.below(path);
        let name = below.rsplit('/').next().unwrap_or(below).to_lowercase();
        if self.exclude.names(below) {
            Judged::LeftOut(LeftOutReason::Excluded)
        } else if self.format.head().is_some() {
            if format::is_part(path) { Judged::Flow } else { Judged::LeftOut(LeftOutReason::OtherFile) }
        } else if name.ends_with(".json") {
            Judged::Flow
        } else if !name.starts_with('.') && name.split('.').skip(1).any(|part| part.trim().starts_with("json")) {
            Judged::LeftOut(LeftOutReason::LooksLikeFlow)
        } else {
            Judged::LeftOut(LeftOutReason::OtherFile)
        }
    }
}

/// Whether a file is a flow by its content: an object with an `id` that only flows have.
fn looks_like_flow(content: &[u8]) -> bool {
    let text = content.strip_prefix(b"\xef\xbb\xbf").unwrap_or(content).trim_ascii_start();
    let id = b"\"flow_";
    let follows_a_colon = |at: usize| text[..at].trim_ascii_end().ends_with(b":");
    text.starts_with(b"{") && text.windows(id.len()).enumerate().any(|(at, found)| found == id && follows_a_colon(at))
}

/// What a walk meets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Met {
    Folder,
    File,
    SymbolicLink,
    Submodule,
    /// Neither file nor folder: a pipe, a socket, a device.
    Special,
}

/// What a walk does with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WalkStep {
    /// Enter the folder.
    Enter,
    /// Take the flow file.
    Take,
    /// Look at the content of a file of this size, if there is any left to look at, and say it with [`Walk::peeked`].
    Peek,
    /// Go on.
    Pass,
}

/// The result of a walk while it goes on. Every bound is kept here.
pub(super) struct Walk<'s, T> {
    selection: &'s FlowSelection,
    listing: Listing<T>,
    n_met: usize,
    n_bad: usize,
    bytes_peeked: u64,
    copies: HashMap<BlobId, usize>,
    overflow: Option<BadEntryReason>,
}

impl<'s, T: Ord> Walk<'s, T> {
    pub(super) fn new(selection: &'s FlowSelection) -> Self {
        let listing = Listing::default();
        Self { selection, listing, n_met: 0, n_bad: 0, bytes_peeked: 0, copies: HashMap::new(), overflow: None }
    }

    /// Whether the walk may end: there is more than anybody could deploy.
    pub(super) fn is_full(&self) -> bool {
        self.overflow.is_some()
    }

    /// Sorts one entry, given by its path from the root.
    pub(super) fn meet(&mut self, path: &str, is_utf8: bool, met: Met) -> WalkStep {
        self.n_met += 1;
        if self.n_met > ENTRIES_MAX {
            self.overflow = Some(BadEntryReason::TooMany);
            return WalkStep::Pass;
        }
        match met {
            Met::SymbolicLink | Met::Submodule if self.is_excluded(path) => {
                self.leave_out(path, LeftOutReason::Excluded)
            }
            Met::SymbolicLink => self.refuse(path, BadEntryReason::SymbolicLink),
            Met::Submodule => self.refuse(path, BadEntryReason::Submodule),
            Met::Folder => return self.meet_folder(path, is_utf8),
            Met::File | Met::Special => return self.meet_file(path, is_utf8, met),
        }
        WalkStep::Pass
    }

    /// The outermost folder on the way to a path that is not entered.
    pub(super) fn left_out_above(&self, path: &str) -> Option<LeftOut> {
        self.selection.left_out_above(path)
    }

    fn is_excluded(&self, path: &str) -> bool {
        self.selection.exclude.names(self.selection.below(path))
    }

    fn meet_folder(&mut self, path: &str, is_utf8: bool) -> WalkStep {
        let depth = self.selection.below(path).split('/').count();
        if let Some(reason) = self.selection.folder_left_out(path) {
            self.leave_out(path, reason);
        } else if !is_utf8 {
            self.refuse(path, BadEntryReason::NotUtf8);
        } else if depth > FOLDER_DEPTH_MAX {
            self.refuse(path, BadEntryReason::TooDeep);
        } else {
            return WalkStep::Enter;
        }
        WalkStep::Pass
    }

    fn meet_file(&mut self, path: &str, is_utf8: bool, met: Met) -> WalkStep {
        match self.selection.file(path) {
            Judged::Flow if !is_utf8 => self.refuse(path, BadEntryReason::NotUtf8),
            Judged::Flow if met == Met::Special => self.leave_out(path, LeftOutReason::LooksLikeFlow),
            Judged::Flow => return WalkStep::Take,
            Judged::LeftOut(LeftOutReason::OtherFile) if met == Met::File => return WalkStep::Peek,
            Judged::LeftOut(reason) => self.leave_out(path, reason),
        }
        WalkStep::Pass
    }

    /// Whether a file of this size is looked at.
    pub(super) fn may_peek(&mut self, bytes: u64) -> bool {
        let looks =
            bytes > 0 && bytes <= super::FLOW_BYTES_MAX && self.bytes_peeked.saturating_add(bytes) <= PEEKED_BYTES_MAX;
        self.bytes_peeked += if looks { bytes } else { 0 };
        looks
    }

    /// Leaves a file out that is a flow by its content, or is none; without content it counts as none.
    pub(super) fn peeked(&mut self, path: &str, content: Option<&[u8]>) {
        let is_flow = content.is_some_and(looks_like_flow);
        self.leave_out(path, if is_flow { LeftOutReason::LooksLikeFlow } else { LeftOutReason::OtherFile });
    }

    /// Counts the copies of one content.
    pub(super) fn count_copy(&mut self, blob: &BlobId) {
        let n_copies = self.copies.entry(blob.clone()).or_default();
        *n_copies += 1;
        if *n_copies > COPIES_MAX {
            self.overflow = Some(BadEntryReason::TooManyCopies);
        }
    }

    pub(super) fn take(&mut self, entry: T) {
        self.listing.entries.push(entry);
    }

    pub(super) fn leave_out(&mut self, path: &str, reason: LeftOutReason) {
        self.listing.left_out.push(LeftOut { path: path.to_owned(), reason });
    }

    pub(super) fn refuse(&mut self, path: &str, reason: BadEntryReason) {
        self.n_bad += 1;
        if self.n_bad <= BAD_ENTRIES_MAX {
            self.listing.bad.push(BadEntry { path: path.to_owned(), reason });
        }
    }

    /// Everything, sorted. Where there is too much, that alone is said.
    pub(super) fn finish(self) -> Listing<T> {
        let folder = || self.selection.folder.clone();
        if let Some(reason) = self.overflow {
            return Listing::of_bad(BadEntry { path: folder(), reason });
        }
        let mut listing = self.listing;
        if self.n_bad > BAD_ENTRIES_MAX {
            listing.bad.push(BadEntry { path: self.selection.folder.clone(), reason: BadEntryReason::MoreBad });
        }
        listing.entries.sort();
        listing.bad.sort();
        listing.left_out.sort();
        listing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selection(exclude: &[&str]) -> FlowSelection {
        FlowSelection { exclude: Exclude::new(exclude).unwrap(), ..FlowSelection::whole("all/flows") }
    }

    #[test]
    fn every_file_is_a_flow_or_left_out_for_a_reason() {
        use LeftOutReason::{Excluded, LooksLikeFlow, OtherFile};
        let selection = selection(&["**/package.json", "drafts"]);
        let judge = |name: &str| selection.file(&format!("all/flows/{name}"));
        for flow in ["a.json", "a.JSON", "a.Json", ".json", ".hidden.json", "x/y.z.jSoN", "drafts.json"] {
            assert_eq!(judge(flow), Judged::Flow, "{flow}");
        }
        for (name, reason) in [
            ("package.json", Excluded),
            ("x/package.json", Excluded),
            ("a.json5", LooksLikeFlow),
            ("a.jsonc", LooksLikeFlow),
            ("a.json.bak", LooksLikeFlow),
            ("a.json ", LooksLikeFlow),
            ("a.JSON~", LooksLikeFlow),
            ("a.json.txt", LooksLikeFlow),
            ("a. json", LooksLikeFlow),
            ("README.md", OtherFile),
            (".gitkeep", OtherFile),
            (".a.json.swp", OtherFile),
            ("json", OtherFile),
            ("a.jsn", OtherFile),
        ] {
            assert_eq!(judge(name), Judged::LeftOut(reason), "{name}");
        }
    }

    #[test]
    fn a_flow_is_known_by_its_content() {
        for flow in
            [r#"{"id":"flow_a"}"#, "\u{feff}\n { \"name\": 1,\n\"id\" : \"flow_b\"", "{\"x\":{},\"id\":\t\"flow_"]
        {
            assert!(looks_like_flow(flow.as_bytes()), "{flow}");
        }
        for other in ["", "{}", "# flows\n{\"id\":\"flow_a\"}", r#"{"flow_a":1}"#, r#"["flow_a"]"#, r#"{"id":"x"}"#] {
            assert!(!looks_like_flow(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn folders_on_the_way_are_left_out_whole() {
        let selection = selection(&["drafts"]);
        let above = |path: &str| selection.left_out_above(path).map(|found| (found.path, found.reason));
        assert_eq!(above("all/flows/x/a.json"), None);
        let dot = (String::from("all/flows/x/.vscode"), LeftOutReason::DotFolder);
        assert_eq!(above("all/flows/x/.vscode/deep/a.json"), Some(dot));
        assert_eq!(above("all/flows/drafts/a.json"), Some(("all/flows/drafts".into(), LeftOutReason::Excluded)));
        assert_eq!(FlowSelection::whole("").left_out_above(".x/a.json").map(|found| found.path), Some(".x".into()));
        assert!(selection.holds("all/flows") && selection.holds("all/flows/x") && !selection.holds("all/flowsx"));
    }

    #[test]
    fn a_walk_has_bounds() {
        let selection = selection(&[]);
        let mut walk: Walk<'_, String> = Walk::new(&selection);
        let deep = format!("all/flows/{}", vec!["d"; FOLDER_DEPTH_MAX].join("/"));
        assert_eq!(walk.meet(&deep, true, Met::Folder), WalkStep::Enter);
        assert_eq!(walk.meet(&format!("{deep}/d"), true, Met::Folder), WalkStep::Pass);
        for n in 0..BAD_ENTRIES_MAX + 5 {
            walk.meet(&format!("all/flows/{n}"), true, Met::SymbolicLink);
        }
        let bad = walk.finish().bad;
        let count = |reason| bad.iter().filter(|bad| bad.reason == reason).count();
        assert_eq!((count(BadEntryReason::TooDeep), count(BadEntryReason::MoreBad)), (1, 1));
        assert_eq!(bad.len(), BAD_ENTRIES_MAX + 1);

        let mut walk = Walk::new(&selection);
        let mut n_met = 0;
        while !walk.is_full() {
            n_met += 1;
            if walk.meet("all/flows/a.json", true, Met::File) == WalkStep::Take {
                walk.take(n_met);
            }
        }
        assert_eq!(n_met, ENTRIES_MAX + 1);
        let listing = walk.finish();
        assert!(listing.entries.is_empty() && listing.bad[0].reason == BadEntryReason::TooMany);

        let mut walk: Walk<'_, String> = Walk::new(&selection);
        (0..=COPIES_MAX).for_each(|_| walk.count_copy(&BlobId("b".into())));
        assert_eq!(walk.finish().bad[0].reason, BadEntryReason::TooManyCopies);
        let mut walk: Walk<'_, String> = Walk::new(&selection);
        assert!(!walk.may_peek(crate::source::FLOW_BYTES_MAX + 1) && walk.may_peek(crate::source::FLOW_BYTES_MAX));
        assert_eq!((0..20).filter(|_| walk.may_peek(crate::source::FLOW_BYTES_MAX)).count(), 3);
    }
}
