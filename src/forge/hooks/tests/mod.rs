mod genuine;
mod laws;
mod payloads;

use std::collections::BTreeSet;

use super::signature::Sender;
use super::{HookVerdict, UnreadableHook, judge};

const SECRET: &[u8] = b"It's a Secret to Everybody";

/// A request, signed as its sender signs.
#[derive(Debug, Clone)]
struct Request {
    headers: Vec<(&'static str, Vec<u8>)>,
    body: Vec<u8>,
}

impl Request {
    fn of(sender: Sender, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let digits = hex_hmac(&body);
        let named = || format!("sha256={digits}").into_bytes();
        let header = match sender {
            Sender::GitHub => ("X-Hub-Signature-256", named()),
            Sender::Gitea => ("X-Gitea-Signature", digits.into_bytes()),
            Sender::Forgejo => ("X-Forgejo-Signature", digits.into_bytes()),
            Sender::Bitbucket => ("X-Hub-Signature", named()),
            Sender::GitLab => ("X-Gitlab-Token", SECRET.to_vec()),
            Sender::Other => ("X-Flowsync-Signature", named()),
        };
        Self { headers: vec![header], body }
    }

    fn with(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.as_bytes().to_vec()));
        self
    }

    fn judge(&self) -> HookVerdict {
        self.judge_by(SECRET)
    }

    fn judge_by(&self, secret: &[u8]) -> HookVerdict {
        judge(self.headers.iter().map(|(name, value)| (*name, value.as_slice())), &self.body, secret)
    }
}

fn hex_hmac(body: &[u8]) -> String {
    use hmac::{Hmac, KeyInit as _, Mac as _};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET).unwrap();
    mac.update(body);
    mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
}

const SENDERS: [Sender; 6] =
    [Sender::GitHub, Sender::Gitea, Sender::Forgejo, Sender::Bitbucket, Sender::GitLab, Sender::Other];

fn branches(names: &[&str]) -> HookVerdict {
    HookVerdict::Branches(names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<String>>())
}

#[track_caller]
fn unreadable(verdict: HookVerdict) -> UnreadableHook {
    match verdict {
        HookVerdict::Unreadable(why) => why,
        other => panic!("{other:?}"),
    }
}
