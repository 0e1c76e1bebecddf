//! Looks after the clone in the cache: carries out what `tidy` decides. The caller holds the lock.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use git2::{Oid, Repository};

use super::packs::{self, Pack, Stock, folder_of};
use super::remote::{KEPT, Remote, is_whole};
use super::repack::{merge, remove, standing, weigh};
use super::tidy::{Effort, Rewound, TidyStep};

impl Remote {
    /// Makes the clone smaller where that is due. A failure costs room on the disk and nothing else.
    pub(super) fn keep_small(&self, effort: Effort) {
        if let Err(error) = self.try_keep_small(effort) {
            tracing::warn!(clone = %self.cache.clone.display(), %error, "the clone cannot be made smaller for now");
        }
    }

    fn try_keep_small(&self, effort: Effort) -> io::Result<()> {
        let clone = &self.cache.clone;
        loop {
            let stock = Stock::of(clone)?;
            let mut standing = standing(&stock, self.cache.fresh_bytes(), self.cache.rewound());
            if !standing.is_due(effort) {
                return Ok(());
            }
            weigh(clone, &stock, &mut standing)?;
            match standing.next_step(effort) {
                TidyStep::Rest => return Ok(()),
                TidyStep::Settle => return self.cache.set_fresh_bytes(stock.bytes()),
                TidyStep::Renew => return self.renew(),
                TidyStep::Merge(class) => merge(clone, &stock, &class)?,
            }
        }
    }

    /// Fetches everything once more, beside the clone, and puts it in the place of all that is there.
    fn renew(&self) -> io::Result<()> {
        let (clone, unfinished) = (&self.cache.clone, self.cache.unfinished());
        let repo = Repository::open_bare(clone).map_err(io::Error::other)?;
        let kept = kept_tips(&repo).map_err(io::Error::other)?;
        let fetched = self.fetch_beside(&unfinished, &kept);
        let put = fetched.and_then(|tips| {
            if !self.covers(&repo, &kept, &tips, &unfinished)? {
                return Ok(());
            }
            let new = Stock::of(&unfinished)?.packs;
            let old = Stock::of(clone)?;
            new.iter().try_for_each(|pack| pack.move_to(&folder_of(clone)))?;
            for (branch, tip) in &tips {
                let name = format!("{KEPT}{branch}");
                repo.reference(&name, *tip, true, "flowsync: fetched anew").map_err(io::Error::other)?;
            }
            let names: BTreeSet<_> = new.iter().map(Pack::name).collect();
            remove(old.packs.iter().filter(|pack| !names.contains(pack.name())), &old.loose)?;
            self.cache.forget_rewound()?;
            self.cache.set_fresh_bytes(Stock::of(clone)?.bytes())
        });
        let _ = std::fs::remove_dir_all(&unfinished);
        put
    }

    /// A whole clone of the kept branches in another folder, and where they stand there.
    fn fetch_beside(&self, folder: &Path, kept: &[(String, Oid)]) -> io::Result<Vec<(String, Oid)>> {
        if folder.exists() {
            std::fs::remove_dir_all(folder)?;
        }
        let repo = Repository::init_bare(folder).map_err(io::Error::other)?;
        let branches: Vec<&str> = kept.iter().map(|(branch, _)| branch.as_str()).collect();
        self.fetch_into(&repo, &branches).map_err(|error| io::Error::other(crate::error_chain(&error)))?;
        if !is_whole(&repo, &branches, &[""]) {
            return Err(io::Error::other("what was fetched is not whole"));
        }
        kept_tips(&repo).map_err(io::Error::other)
    }

    /// Whether the fresh clone holds everything that somebody may be reading. A branch that is gone, or was
    /// rewound while we looked, is waited for.
    fn covers(
        &self,
        repo: &Repository,
        kept: &[(String, Oid)],
        tips: &[(String, Oid)],
        folder: &Path,
    ) -> io::Result<bool> {
        let is_settled = self.cache.rewound() == Rewound::Before;
        let is_gone = |branch: &String| is_settled && !tips.iter().any(|(known, _)| known == branch);
        let (gone, needed): (Vec<_>, Vec<_>) = kept.iter().partition(|(branch, _)| is_gone(branch));
        if !packs::hold(&Stock::of(folder)?.packs, needed.into_iter().map(|(_, tip)| *tip))? {
            self.cache.note_rewound();
            return Ok(false);
        }
        for (branch, _) in gone {
            let mut reference = repo.find_reference(&format!("{KEPT}{branch}")).map_err(io::Error::other)?;
            reference.delete().map_err(io::Error::other)?;
        }
        Ok(true)
    }
}

/// The branches a clone keeps, and where they stand.
fn kept_tips(repo: &Repository) -> Result<Vec<(String, Oid)>, git2::Error> {
    let mut tips = Vec::new();
    for reference in repo.references_glob(&format!("{KEPT}*"))? {
        let reference = reference?;
        let branch = reference.name().ok().and_then(|name| name.strip_prefix(KEPT)).map(str::to_owned);
        tips.extend(branch.zip(reference.target()));
    }
    Ok(tips)
}
