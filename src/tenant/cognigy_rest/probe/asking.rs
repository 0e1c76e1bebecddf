//! A question, what was seen, and what flowsync takes for granted.

use std::fmt;
use std::future::Future;

use super::super::super::TenantError;

/// How far is gone to find something out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeDepth {
    /// Whatever does no harm.
    Harmless,
    /// Limits too: requests until the tenant refuses one, and snapshots until no more can be taken.
    Limits,
}

/// How what was seen compares with what flowsync takes for granted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProbeVerdict {
    /// It works with what was seen.
    AsAssumed,
    /// It goes by something that is not so here.
    Differs,
    /// It could not be found out.
    Unknown,
}

/// One question, and what was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What was asked.
    pub asked: &'static str,
    /// What was seen.
    pub seen: String,
    /// What flowsync takes for granted.
    pub assumed: &'static str,
    /// How the two compare.
    pub verdict: ProbeVerdict,
}

/// `a move of a node: by PATCH …/move; assumed: any of three`
impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { asked, seen, assumed, .. } = self;
        write!(f, "{asked}: {seen}; assumed: {assumed}")
    }
}

/// What was seen, in words, and whether that is as assumed.
pub(super) struct Seen {
    text: String,
    is_as_assumed: bool,
}

impl Seen {
    /// Either answer would do.
    pub(super) fn either(text: impl Into<String>) -> Self {
        Self::judged(true, text)
    }

    pub(super) fn judged(is_as_assumed: bool, text: impl Into<String>) -> Self {
        Self { text: text.into(), is_as_assumed }
    }
}

/// What comes of a question.
pub(super) type Answered = Result<Seen, TenantError>;

/// Tells of each question once it is answered.
pub(super) struct Asking<'t> {
    pub(super) tell: &'t mut (dyn FnMut(Finding) + Send),
}

impl Asking<'_> {
    pub(super) async fn ask(
        &mut self,
        asked: &'static str,
        assumed: &'static str,
        answer: impl Future<Output = Answered> + Send,
    ) {
        let (seen, verdict) = match Box::pin(answer).await {
            Ok(Seen { text, is_as_assumed: true }) => (text, ProbeVerdict::AsAssumed),
            Ok(Seen { text, is_as_assumed: false }) => (text, ProbeVerdict::Differs),
            Err(error) => (error.to_string(), ProbeVerdict::Unknown),
        };
        (self.tell)(Finding { asked, seen, assumed, verdict });
    }
}
