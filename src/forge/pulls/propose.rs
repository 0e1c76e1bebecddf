//! The open pull request from a branch to another is found and brought up to date, or there will be one.
//!
//! One that is closed, and one from a fork, is somebody else's. What may have been done is looked for and never done a
//! second time.

use reqwest::header::LINK;
use serde_json::Value;

use super::super::error::{Doing, ForgeError, Reason};
use super::super::site::{Forge, Told};
use super::dialect::{Dialect, Open, PullRequest, TITLE_CHARS_MAX};
use super::gitea::Gitea;
use super::github::GitHub;
use super::gitlab::GitLab;
use crate::config::ForgeKind;
use crate::web;

/// Pages looked at.
const PAGES_MAX: usize = 20;
/// What a title begins with where somebody made a draft of it, on forges that have no other mark.
const DRAFT_MARKS: [&str; 5] = ["Draft: ", "[Draft] ", "(Draft) ", "WIP: ", "[WIP] "];

/// A pull request that says what was proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Opened {
    /// Its page.
    pub address: String,
    /// What was done for it.
    pub outcome: PullOutcome,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PullOutcome {
    /// There was none.
    Created,
    /// Its title or body was another.
    Updated,
    /// It said so already.
    Unchanged,
}

fn dialect(kind: ForgeKind) -> &'static dyn Dialect {
    match kind {
        ForgeKind::GitHub => &GitHub,
        ForgeKind::GitLab => &GitLab,
        ForgeKind::Gitea => &Gitea,
    }
}

impl Forge {
    /// Sees to it that there is one open pull request that says what is proposed.
    ///
    /// # Errors
    /// Where the forge does not do it, in 30 seconds at most.
    pub async fn propose(&self, wanted: &PullRequest) -> Result<Opened, ForgeError> {
        self.in_time(Doing::Propose, self.propose_patiently(wanted)).await
    }

    async fn propose_patiently(&self, wanted: &PullRequest) -> Result<Opened, ForgeError> {
        if let Some(open) = self.look(wanted).await? {
            return self.bring_up_to_date(&open, wanted).await;
        }
        let error = match self.create(wanted).await {
            Ok(address) => return Ok(Opened { address, outcome: PullOutcome::Created }),
            Err(error) => error,
        };
        match (error.reason.maybe_done(), error.reason.is_conflict()) {
            (true, _) => match self.look(wanted).await {
                Ok(Some(open)) => Ok(Opened { address: open.address, outcome: PullOutcome::Created }),
                _ => Err(error),
            },
            (false, true) => match self.look(wanted).await {
                Ok(Some(open)) => self.bring_up_to_date(&open, wanted).await,
                _ => Err(error),
            },
            (false, false) => Err(error),
        }
    }

    /// The open one that is meant.
    async fn look(&self, wanted: &PullRequest) -> Result<Option<Open>, ForgeError> {
        let dialect = dialect(self.kind);
        for page in 1..=PAGES_MAX {
            let told = self.ask(Doing::Look, &dialect.list(&self.project, wanted, page)).await?;
            let Some(items) = told.body.as_array() else {
                return Err(self.failed(Doing::Look, self.garbage("a list of pull requests", &told.body)));
            };
            if let Some(item) = items.iter().find(|item| dialect.is_meant(item, &self.project, wanted)) {
                return self.one(Doing::Look, item).map(Some);
            }
            if !has_next(&told, items.len(), dialect.page_items()) {
                return Ok(None);
            }
        }
        Err(self.failed(Doing::Look, Reason::Endless(PAGES_MAX * dialect.page_items())))
    }

    async fn create(&self, wanted: &PullRequest) -> Result<String, ForgeError> {
        let told = self.ask(Doing::Create, &dialect(self.kind).create(&self.project, wanted)).await?;
        Ok(self.one(Doing::Create, &told.body)?.address)
    }

    async fn bring_up_to_date(&self, open: &Open, wanted: &PullRequest) -> Result<Opened, ForgeError> {
        let title = title_for(open, &wanted.title);
        let opened = |address: &str, outcome| Ok(Opened { address: address.to_owned(), outcome });
        if open.says(&title, &wanted.body) {
            return opened(&open.address, PullOutcome::Unchanged);
        }
        let doing = Doing::Update(open.number);
        let ask = dialect(self.kind).update(&self.project, open.number, &title, &wanted.body);
        match self.ask(doing, &ask).await {
            Ok(_) => opened(&open.address, PullOutcome::Updated),
            Err(error) if error.reason.maybe_done() => match self.look(wanted).await {
                Ok(Some(now)) if now.says(&title, &wanted.body) => opened(&now.address, PullOutcome::Updated),
                _ => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// A pull request, as the forge shows it.
    fn one(&self, doing: Doing, item: &Value) -> Result<Open, ForgeError> {
        let open = dialect(self.kind).read(item).filter(|open| is_page(&open.address));
        let open = open.ok_or_else(|| self.failed(doing, self.garbage("a pull request", item)))?;
        Ok(Open { address: self.clean(&open.address), ..open })
    }

    fn garbage(&self, expected: &'static str, body: &Value) -> Reason {
        Reason::Garbage { expected, excerpt: self.said(body.to_string().as_bytes()) }
    }
}

/// The title with the mark of a draft, where somebody made it one.
fn title_for(open: &Open, title: &str) -> String {
    let mark = DRAFT_MARKS.iter().find(|mark| open.title.starts_with(**mark)).copied().unwrap_or_default();
    mark.chars().chain(title.chars()).take(TITLE_CHARS_MAX).collect()
}

/// Whether there is another page. Only its number is taken from what a forge says, never an address.
fn has_next(told: &Told, n_items: usize, page_items: usize) -> bool {
    let link = web::text(&told.headers, LINK.as_str());
    let next = web::text(&told.headers, "x-next-page");
    match (link, next) {
        (Some(link), _) => link.contains("rel=\"next\""),
        (None, Some(next)) => !next.is_empty(),
        (None, None) => n_items >= page_items,
    }
}

fn is_page(address: &str) -> bool {
    let scheme = url::Url::parse(address).ok().map(|url| url.scheme().to_owned());
    matches!(scheme.as_deref(), Some("https" | "http")) && !address.contains(char::is_whitespace)
}
