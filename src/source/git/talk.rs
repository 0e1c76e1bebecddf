//! One conversation with a remote: who we are, whether it is who it should be, what it said.

use std::cell::{Cell, RefCell};
use std::time::Instant;

use git2::cert::Cert;
use git2::{
    AutotagOption, CertificateCheckStatus, Cred, CredentialType, Error, ErrorClass, ErrorCode, FetchOptions, Oid,
    ProxyOptions, PushOptions, RemoteCallbacks, RemoteRedirect,
};
use url::Url;

use super::host_keys;
use super::known_hosts::{HostKeyVerdict, KnownHosts, fingerprint, key_kind};
use super::names::shown;
use super::pace::{Pace, Seen};
use super::sign_in::SignIn;
use crate::address::{RemoteUrl, strip};
use crate::config::{Mask, Proxies, Route};
use crate::source::SourceError;
use crate::tls::CertificateFault;

/// The server's words are cut here.
const WORDS_BYTES_MAX: usize = 4096;
/// So much is listened to: a secret that begins within what is shown ends within this.
const HEARD_BYTES_MAX: usize = 128 * 1024;

/// One conversation: made for one fetch or push, then thrown away with its secrets.
pub(super) struct Talk<'a> {
    remote: &'a RemoteUrl,
    sign_in: SignIn,
    hosts: KnownHosts,
    route: Route,
    mask: Mask,
    /// The last certificate of a server, and the host it was shown for.
    certificate: RefCell<Option<(String, Vec<u8>)>>,
    n_tries: Cell<u32>,
    refusal: RefCell<Option<String>>,
    words: RefCell<Vec<u8>>,
    status: RefCell<Option<Result<(), String>>>,
    stands_at: Cell<Option<Oid>>,
    pace: Pace,
}

impl<'a> Talk<'a> {
    /// Fails where the environment names a proxy that cannot be used.
    pub(super) fn new(remote: &'a RemoteUrl, sign_in: SignIn, hosts: KnownHosts) -> Result<Self, SourceError> {
        let route = match Url::parse(&remote.connect) {
            Ok(url) => Proxies::from_environment().and_then(|proxies| proxies.route(&url)),
            Err(_) => Ok(Route::Direct),
        };
        let route = route.map_err(|error| SourceError::Setting(error.to_string()))?;
        let mask = Mask::default();
        sign_in.teach(&mask);
        route.proxy().into_iter().for_each(|proxy| proxy.teach(&mask));
        Ok(Self {
            remote,
            sign_in,
            hosts,
            route,
            mask,
            certificate: RefCell::default(),
            n_tries: Cell::new(0),
            refusal: RefCell::default(),
            words: RefCell::default(),
            status: RefCell::default(),
            stands_at: Cell::new(None),
            pace: Pace::new(Instant::now()),
        })
    }

    pub(super) fn fetch_options(&self) -> FetchOptions<'_> {
        let mut options = FetchOptions::new();
        options.remote_callbacks(self.callbacks()).proxy_options(self.proxy());
        options.download_tags(AutotagOption::None).update_fetchhead(false);
        options.follow_redirects(self.redirects());
        options
    }

    /// For a push that only counts where the branch stands at `base`.
    pub(super) fn push_options(&self, base: Option<Oid>) -> PushOptions<'_> {
        let mut callbacks = self.callbacks();
        callbacks.push_negotiation(move |updates| {
            let stands_at = updates.first().map_or(Oid::ZERO_SHA1, git2::PushUpdate::src);
            if stands_at == base.unwrap_or(Oid::ZERO_SHA1) {
                return Ok(());
            }
            self.stands_at.set(Some(stands_at));
            Err(Error::new(ErrorCode::NotFastForward, ErrorClass::Reference, "the branch stands elsewhere"))
        });
        self.push_options_with(callbacks)
    }

    /// For a push that counts wherever the reference stands.
    pub(super) fn plain_push_options(&self) -> PushOptions<'_> {
        self.push_options_with(self.callbacks())
    }

    fn push_options_with<'c>(&'c self, mut callbacks: RemoteCallbacks<'c>) -> PushOptions<'c> {
        callbacks.push_update_reference(|_, problem| {
            *self.status.borrow_mut() = Some(problem.map_or(Ok(()), |problem| Err(self.clean(problem))));
            Ok(())
        });
        let mut options = PushOptions::new();
        options.remote_callbacks(callbacks).proxy_options(self.proxy()).follow_redirects(self.redirects());
        options
    }

    /// The server's verdict on the pushed branch, where it gave one.
    pub(super) fn status(&self) -> Option<Result<(), String>> {
        self.status.borrow().clone()
    }

    /// Where the branch stood instead of the base of the push.
    pub(super) fn stood_elsewhere(&self) -> Option<Oid> {
        self.stands_at.get()
    }

    /// Whether it was us who ended the conversation: bad credentials, unknown host.
    pub(super) fn refused(&self) -> bool {
        self.refusal.borrow().is_some()
    }

    /// What the server said on the side, as one line.
    pub(super) fn words(&self) -> String {
        let words = self.words.borrow();
        // Hidden before it is cut and split: a secret may stand across either border.
        let text = self.mask.hide(&String::from_utf8_lossy(&words));
        let text = text.get(..text.floor_char_boundary(WORDS_BYTES_MAX)).unwrap_or(&text);
        let lines = text.split(['\n', '\r']).map(str::trim).filter(|line| !line.is_empty());
        lines.map(shown).collect::<Vec<_>>().join("; ")
    }

    /// The error of a conversation that failed.
    pub(super) fn failed(&self, doing: &'static str, error: &Error) -> SourceError {
        SourceError::Remote { doing, url: self.remote.shown.clone(), reason: self.explain(error) }
    }

    pub(super) fn explain(&self, error: &Error) -> String {
        if let Some(refusal) = self.refusal.borrow().as_ref() {
            return self.mask.hide(refusal);
        }
        let message = self.clean(error.message());
        if let Some(fault) = self.certificate_fault(error) {
            return fault;
        }
        if let Some(proxy) = self.route.proxy().filter(|_| is_on_the_way(error)) {
            return format!("{message} (through the proxy `{proxy}`)");
        }
        match error.code() {
            ErrorCode::Auth => format!("the credentials were refused ({message})"),
            _ if message.contains("failed to start SSH session") => self.no_session(&message),
            _ if message.contains("extract public key") => format!(
                "{message}; expected a private key in PEM or OpenSSH form (`repository.credentials.sshKey`), and its passphrase \
                 where it has one"
            ),
            _ if message.ends_with("status code: 404") => {
                format!("{message}; there is no such repository, or these credentials may not see it")
            }
            _ => message,
        }
    }

    /// ssh did not come to the point where a key is shown: what we asked for may be why.
    fn no_session(&self, message: &str) -> String {
        let kinds = host_keys::known_kinds(&self.hosts, self.remote);
        if kinds.is_empty() {
            return message.to_owned();
        }
        let (origin, host, kinds) = (&self.hosts.origin, &self.remote.host, kinds.join(", "));
        format!(
            "{message}; {origin} has only {kinds} of `{host}`, and was not shown such a key: compare the fingerprint of \
             another, then add the line that `{}` prints",
            self.scan()
        )
    }

    /// The command that shows a host's keys.
    fn scan(&self) -> String {
        format!("ssh-keyscan -p {} {}", self.remote.port, self.remote.host)
    }

    /// As the environment says; where it says nothing, `http.proxy` of git's configuration.
    pub(super) fn proxy(&self) -> ProxyOptions<'_> {
        let mut options = ProxyOptions::new();
        match &self.route {
            Route::Unsaid => drop(options.auto()),
            Route::Direct => {}
            Route::Through(proxy) => drop(options.url(proxy.expose().as_str())),
        }
        options
    }

    /// A text from elsewhere, fit for a message.
    fn clean(&self, text: &str) -> String {
        shown(&self.mask.hide(text))
    }

    /// What is wrong with the certificate that the conversation ended for.
    fn certificate_fault(&self, error: &Error) -> Option<String> {
        let by_certificate = error.code() == ErrorCode::Certificate || error.message().contains("certificate");
        let shown_to_us = self.certificate.borrow();
        let (host, certificate) = shown_to_us.as_ref().filter(|_| by_certificate)?;
        Some(shown(&CertificateFault::of(certificate, host).explain(host, "repository.caFile")))
    }

    pub(super) fn callbacks(&self) -> RemoteCallbacks<'_> {
        let mut callbacks = RemoteCallbacks::new();
        callbacks.credentials(|url, user, allowed| self.credential(url, user, allowed));
        callbacks.certificate_check(|cert, host| self.check_host(cert, host));
        callbacks.sideband_progress(|words| {
            let mut heard = self.words.borrow_mut();
            let room = HEARD_BYTES_MAX.saturating_sub(heard.len());
            heard.extend(words.iter().take(room));
            self.goes_on(self.pace.note_alive(&self.remote.shown, Instant::now()))
        });
        callbacks.transfer_progress(|progress| {
            self.goes_on(self.pace.note(&self.remote.shown, Seen::of(&progress), Instant::now()))
        });
        callbacks
    }

    fn goes_on(&self, pace: Result<(), String>) -> bool {
        pace.map_err(|why| *self.refusal.borrow_mut() = Some(why)).is_ok()
    }

    /// With credentials, never to another host: libgit2 would take them along.
    fn redirects(&self) -> RemoteRedirect {
        match self.sign_in {
            SignIn::Nothing => RemoteRedirect::Initial,
            SignIn::Password { .. } | SignIn::SshKey { .. } => RemoteRedirect::None,
        }
    }

    /// libgit2 asks again for as long as the server says no, so the second question is the answer.
    fn credential(&self, url: &str, user: Option<&str>, allowed: CredentialType) -> Result<Cred, Error> {
        if !allowed.contains(CredentialType::USERNAME) {
            self.n_tries.set(self.n_tries.get() + 1);
        }
        if self.n_tries.get() > 1 {
            let why = match self.sign_in {
                SignIn::Nothing => "no key of the ssh agent was accepted, and `repository.credentials` names none",
                SignIn::Password { .. } | SignIn::SshKey { .. } => "the credentials were refused",
            };
            return Err(self.refuse(ErrorCode::Auth, why.to_owned()));
        }
        let elsewhere = Url::parse(url).is_ok_and(|url| {
            url.host_str().is_some_and(|host| !host.trim_matches(['[', ']']).eq_ignore_ascii_case(&self.remote.host))
        });
        if elsewhere {
            return Err(self
                .refuse(ErrorCode::Auth, format!("it redirects to `{}`, where no credentials are sent", strip(url))));
        }
        self.sign_in.credential(self.remote, user, allowed).map_err(|why| self.refuse(ErrorCode::Auth, why))
    }

    fn check_host(&self, cert: &Cert<'_>, host: &str) -> Result<CertificateCheckStatus, Error> {
        let Some(key) = cert.as_hostkey() else {
            *self.certificate.borrow_mut() = cert.as_x509().map(|cert| (host.to_owned(), cert.data().to_vec()));
            return Ok(CertificateCheckStatus::CertificatePassthrough);
        };
        let Some(key) = key.hostkey() else {
            return Err(self.refuse(ErrorCode::Certificate, format!("the host `{host}` showed no key")));
        };
        let offered = format!("`{host}` offers the {} key {}", key_kind(key), fingerprint(key));
        let origin = &self.hosts.origin;
        let scan = self.scan();
        let why = match self.hosts.check(&self.remote.host, self.remote.port, key) {
            HostKeyVerdict::Known => return Ok(CertificateCheckStatus::CertificateOk),
            HostKeyVerdict::Unknown => format!(
                "the host is not known: {offered}, and {origin} has no line for it; compare the fingerprint with what \
                 the host publishes, then add the line that `{scan}` prints"
            ),
            HostKeyVerdict::Changed => format!(
                "the host's key has changed: {offered}, and {origin} has another; somebody may be listening in, or the \
                 host was set up anew: ask its owner before you replace the line"
            ),
            HostKeyVerdict::OtherKinds(kinds) => format!(
                "the host's key is not known: {offered}, and {origin} has only {}; compare the fingerprint, then add \
                 the line that `{scan}` prints",
                kinds.join(", ")
            ),
            HostKeyVerdict::Revoked => {
                format!("the host's key was revoked: {offered}, and {origin} marks it `@revoked`")
            }
        };
        Err(self.refuse(ErrorCode::Certificate, why))
    }

    fn refuse(&self, code: ErrorCode, why: String) -> Error {
        let error = Error::new(code, ErrorClass::Callback, &why);
        *self.refusal.borrow_mut() = Some(why);
        error
    }
}

/// Whether a conversation ended before the server itself had a say, as far as libgit2 tells.
fn is_on_the_way(error: &Error) -> bool {
    let of_a_proxy = ["proxy", "status code: 407"].iter().any(|words| error.message().contains(words));
    matches!(error.class(), ErrorClass::Net | ErrorClass::Os) || of_a_proxy
}
