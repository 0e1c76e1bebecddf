//! One request, from the first try to the last: signing in, waiting for its turn, retrying, giving up.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use reqwest::{Request, Url};
use tokio::time::Instant;

use super::super::{Failure, Observed, TenantError};
use super::asked::Asked;
use super::auth::{Auth, Credential};
use super::dialect::{AnswerClass, Dialect, Effect, Endpoint, Size};
use super::patience::{Ended, Patience, within};
use super::post::{Post, Surroundings};
use super::refusal;
use super::throttle::{Gate, Permit, announced, retry_after};
use super::tuning::Tuning;
use crate::config::TenantAddress;
use crate::web::{Answer, ConnectError, ExchangeFault, FaultKind, Intake, Place, Room, exchange};

/// What is known of an answer's body beforehand.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Body {
    pub(crate) size: Size,
    /// A guess, so that answers that will be large are not asked for all at once.
    pub(crate) bytes_expected: u64,
}

/// Most answers but pages are smaller.
const SMALL_BYTES: u64 = 64 * 1024;

/// Makes calls to one tenant.
#[derive(Debug)]
pub(crate) struct Caller {
    pub(crate) post: Post,
    pub(crate) base: Url,
    pub(super) auth: Auth,
    pub(super) gate: Gate,
}

/// A request, and whom it is for.
#[derive(Debug)]
pub(crate) struct Sent<E> {
    pub(crate) endpoint: E,
    pub(crate) request: Request,
}

/// An answer that the call site is to read.
#[derive(Debug)]
pub(crate) struct Settled {
    pub(crate) answer: Answer,
    pub(crate) attempts: u32,
    /// Whether an earlier try may have taken effect unseen.
    pub(crate) after_unknown: bool,
}

/// No such answer.
#[derive(Debug)]
pub(crate) enum Broken {
    /// For good.
    Failed(TenantError),
    /// The page is too large; how many requests it took to learn that.
    AskForLess { attempts: u32, why: TooMuch },
}

/// What showed that a page is too large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TooMuch {
    /// It takes the tenant too long.
    Slow,
    /// The tenant refuses to make it, or we to take it.
    Large,
}

/// What a request needs to start.
struct Admitted<'a> {
    credential: Credential,
    permit: Permit<'a>,
    place: Place,
}

/// Why a round ends the call.
enum Stop {
    Failed(Failure),
    /// Signing in failed: an error of its own.
    NotSignedIn(TenantError),
    AskForLess(TooMuch),
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

impl<E: Endpoint> Sent<E> {
    fn writes(&self) -> bool {
        self.endpoint.effect() != Effect::Reads
    }

    fn may_repeat(&self) -> bool {
        self.endpoint.effect() != Effect::WritesOnce
    }
}

impl Caller {
    /// Makes no request yet.
    pub(super) fn new(
        address: &TenantAddress,
        concurrency: NonZeroUsize,
        tuning: Tuning,
        room: Room,
        around: Surroundings,
        dialect: &Dialect,
    ) -> Result<Self, ConnectError> {
        let Dialect { name: _, scopes, rate, quota } = *dialect;
        let post = Post::new(address, tuning, room, around)?;
        let (base, auth) = (address.url.clone(), Auth::new(&address.auth, scopes));
        let gate = Gate::new(concurrency, rate, quota, Arc::clone(&post.waits));
        Ok(Self { post, base, auth, gate })
    }

    /// Makes a request whose size is fixed, until it is answered.
    pub(crate) async fn call<E: Endpoint>(&self, asked: &Asked<'_>, sent: &Sent<E>) -> Result<Settled, TenantError> {
        let body = Body { size: Size::Fixed, bytes_expected: SMALL_BYTES };
        self.call_sized(asked, sent, body).await.map_err(|broken| match broken {
            Broken::Failed(error) => error,
            Broken::AskForLess { attempts, .. } => {
                asked.error(attempts, Failure::Refused { status: 413, message: "the page is too large".to_owned() })
            }
        })
    }

    /// Makes a request; one that [`Size::Shrinks`] comes back early when it asks for too much.
    pub(crate) async fn call_sized<E: Endpoint>(
        &self,
        asked: &Asked<'_>,
        sent: &Sent<E>,
        body: Body,
    ) -> Result<Settled, Broken> {
        let mut patience = self.post.patience(asked.limits);
        let answer = self.rounds(asked, sent, body, &mut patience).await;
        let Patience { attempts, after_unknown, .. } = patience;
        let mut error = match answer {
            Ok(answer) => return Ok(Settled { answer, attempts, after_unknown }),
            Err(Stop::AskForLess(why)) => return Err(Broken::AskForLess { attempts, why }),
            Err(Stop::Failed(failure)) => asked.error(attempts, failure),
            Err(Stop::NotSignedIn(error)) => error,
        };
        if after_unknown && !error.maybe_took_effect() {
            error.failure = Failure::AfterUnknown { failure: Box::new(error.failure) };
        }
        Err(Broken::Failed(error))
    }

    async fn rounds<E: Endpoint>(
        &self,
        asked: &Asked<'_>,
        sent: &Sent<E>,
        body: Body,
        patience: &mut Patience<'_>,
    ) -> Result<Answer, Stop> {
        let Body { size, bytes_expected } = body;
        let mut signed_in_again = false;
        loop {
            let Admitted { credential, permit, place } =
                self.admit(asked, sent.endpoint.effect(), bytes_expected, patience).await?;
            if sent.endpoint.changes_the_flow() {
                asked.before_change().await?;
            }
            patience.attempts += 1;
            let started = Instant::now();
            let intake = self.post.intake(size, place);
            let answer = match self.send(asked, sent, &credential, patience.attempts, intake).await? {
                Ok(answer) => answer,
                Err(fault) => {
                    drop(permit);
                    self.after_fault(sent, fault, size, started.elapsed(), patience).await?;
                    continue;
                }
            };
            let (status, spent) = (answer.status, started.elapsed());
            let asks = retry_after(&answer.headers, &self.post.tuning);
            let verdict = sent.endpoint.judge(status, size);
            if verdict == AnswerClass::SlowDown {
                let wait = patience.tries.after_throttled(asks);
                permit.refused(wait, asks.is_some());
                asked.observer.tell(Observed::Throttled(wait));
                asked.observer.tell(Observed::Limit(self.gate.allowed()));
                patience.throttled(wait).await?;
                continue;
            }
            permit.answered(announced(&answer.headers, &self.post.tuning));
            asked.observer.tell(Observed::Limit(self.gate.allowed()));
            match verdict {
                AnswerClass::Accept => return Ok(answer),
                AnswerClass::AskForLess => return Err(Stop::AskForLess(TooMuch::Large)),
                AnswerClass::SignInAgain if !signed_in_again && self.auth.rejected(&self.post, &credential).await => {
                    signed_in_again = true;
                }
                AnswerClass::TryAgain | AnswerClass::Occupied => {
                    patience.after_unknown |= sent.writes() && verdict == AnswerClass::TryAgain;
                    patience.unavailable(refusal::detail(&answer, &self.post.mask), spent, asks).await?;
                }
                AnswerClass::GiveUp => {
                    patience.after_unknown |= sent.writes();
                    return Err(patience.given_up(refusal::detail(&answer, &self.post.mask)).into());
                }
                AnswerClass::SlowDown | AnswerClass::SignInAgain | AnswerClass::Refuse => {
                    return Err(refusal::refusal(&sent.endpoint, sent.request.url(), &answer, &self.post.mask).into());
                }
            }
        }
    }

    /// Makes a request once, without waiting for a turn, and takes whatever is answered: to find out where a limit is.
    pub(crate) async fn call_at_once<E: Endpoint>(
        &self,
        asked: &Asked<'_>,
        sent: &Sent<E>,
    ) -> Result<Answer, TenantError> {
        let credential = self.auth.credential(&self.post, asked).await?;
        let place = self.post.room.expecting(SMALL_BYTES).await;
        let intake = self.post.intake(Size::Fixed, place);
        let answer = self.send(asked, sent, &credential, 1, intake).await.map_err(|failure| asked.error(1, failure))?;
        answer.map_err(|fault| {
            let detail = self.post.mask.clean(&fault.detail);
            asked.error(1, Failure::Unavailable { detail, maybe_took_effect: sent.writes() })
        })
    }

    /// Waits until a request may start: with proof that is good, a turn among the others, room for the answer, and
    /// a lease. The turn comes before the room: whoever has room waits for nobody.
    async fn admit(
        &self,
        asked: &Asked<'_>,
        effect: Effect,
        bytes_expected: u64,
        patience: &Patience<'_>,
    ) -> Result<Admitted<'_>, Stop> {
        let limits = asked.limits;
        loop {
            if !limits.lease.holds().await {
                return Err(Failure::LeaseEnded.into());
            }
            let credential = self.auth.credential(&self.post, asked).await.map_err(Stop::NotSignedIn)?;
            if self.gate.closed_until().is_some_and(|opens| opens > limits.give_up_at) {
                return Err(patience.turn_ended(Ended::Patience, true).into());
            }
            let permit = within(limits, self.gate.admit(effect)).await;
            let permit = permit.map_err(|ended| patience.turn_ended(ended, self.gate.closed_until().is_some()))?;
            let place = within(limits, self.post.room.expecting(bytes_expected)).await;
            let place = place.map_err(|ended| patience.turn_ended(ended, false))?;
            if !limits.lease.holds().await {
                return Err(Failure::LeaseEnded.into());
            }
            if credential.is_good() {
                return Ok(Admitted { credential, permit, place });
            }
        }
    }

    async fn send<E: Endpoint>(
        &self,
        asked: &Asked<'_>,
        sent: &Sent<E>,
        credential: &Credential,
        attempt: u32,
        intake: Intake,
    ) -> Result<Result<Answer, ExchangeFault>, Failure> {
        let lost =
            || Failure::Unavailable { detail: "the request cannot be repeated".to_owned(), maybe_took_effect: true };
        let mut request = sent.request.try_clone().ok_or_else(lost)?;
        if sent.endpoint.signs() {
            credential.sign(&mut request)?;
        }
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let lease = &asked.limits.lease;
        let answer = exchange(&self.post.http, request, intake, || lease.allows_now()).await;
        asked.observer.tell(Observed::Request(asked.call, answer.as_ref().ok().map(|answer| answer.status)));
        match &answer {
            Ok(answer) => tracing::debug!(%method, path, status = answer.status, attempt, call = %asked.call),
            Err(fault) => {
                let fault = self.post.mask.clean(&fault.detail);
                tracing::debug!(%method, path, fault, attempt, call = %asked.call);
            }
        }
        Ok(answer)
    }

    async fn after_fault<E: Endpoint>(
        &self,
        sent: &Sent<E>,
        fault: ExchangeFault,
        size: Size,
        spent: Duration,
        patience: &mut Patience<'_>,
    ) -> Result<(), Stop> {
        match fault.kind {
            FaultKind::TooLarge if size == Size::Shrinks => return Err(Stop::AskForLess(TooMuch::Large)),
            FaultKind::TooLarge => {
                return Err(Failure::TooLarge { limit_bytes: self.post.tuning.body_bytes_max }.into());
            }
            FaultKind::Untrusted => return Err(patience.given_up(self.post.mask.clean(&fault.detail)).into()),
            FaultKind::TimedOut if size == Size::Shrinks => return Err(Stop::AskForLess(TooMuch::Slow)),
            FaultKind::Lost | FaultKind::TimedOut => patience.after_unknown |= sent.writes(),
            FaultKind::NotSent => {}
        }
        let detail = self.post.mask.clean(&fault.detail);
        if fault.kind != FaultKind::NotSent && !sent.may_repeat() {
            return Err(patience.given_up(detail).into());
        }
        Ok(patience.unavailable(detail, spent, None).await?)
    }
}
