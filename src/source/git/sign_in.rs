//! Secrets for one conversation with a remote: read anew each time, so that a rotated file is seen.

use std::path::PathBuf;

use git2::{Cred, CredentialType};
use secrecy::{ExposeSecret, SecretString};

use super::home;
use super::known_hosts::KnownHosts;
use crate::address::{RemoteUrl, Scheme};
use crate::config::{Credentials, Mask, SecretError, SecretSource};
use crate::disk::read_regular;
use crate::source::SourceError;

/// Who signs in where nobody is named.
const DEFAULT_USER: &str = "git";
/// A `known_hosts` file may be long; it is no secret.
const KNOWN_HOSTS_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// How to sign in, with the secrets at hand. Prints nothing.
pub(super) enum SignIn {
    /// No credentials are configured; an ssh agent may serve.
    Nothing,
    Password {
        username: Option<SecretString>,
        password: SecretString,
    },
    SshKey {
        username: Option<SecretString>,
        key: SecretString,
        passphrase: Option<SecretString>,
    },
}

impl SignIn {
    pub(super) fn read(credentials: Option<&Credentials>) -> Result<Self, SourceError> {
        match credentials {
            None => Ok(Self::Nothing),
            Some(Credentials::Password { username, password }) => Ok(Self::Password {
                username: optional(username.as_ref(), "username")?,
                password: secret(password, "password")?,
            }),
            Some(Credentials::SshKey { username, key, passphrase, known_hosts: _ }) => Ok(Self::SshKey {
                username: optional(username.as_ref(), "username")?,
                key: secret(key, "sshKey")?,
                passphrase: optional(passphrase.as_ref(), "passphrase")?,
            }),
        }
    }

    /// What libgit2 signs in with. The error is a sentence for the user.
    pub(super) fn credential(
        &self,
        remote: &RemoteUrl,
        user: Option<&str>,
        allowed: CredentialType,
    ) -> Result<Cred, String> {
        let user = self.user(remote, user);
        if allowed.contains(CredentialType::USERNAME) {
            return made(Cred::username(&user));
        }
        match self {
            Self::Nothing if remote.scheme == Scheme::Ssh => made(Cred::ssh_key_from_agent(&user)),
            Self::Nothing => {
                Err("the server asks for credentials and none are configured (`repository.credentials`)".to_owned())
            }
            Self::Password { password, .. } if allowed.contains(CredentialType::USER_PASS_PLAINTEXT) => {
                made(Cred::userpass_plaintext(&user, password.expose_secret()))
            }
            Self::SshKey { key, passphrase, .. } if allowed.contains(CredentialType::SSH_MEMORY) => {
                // PEM wants its last line ended.
                let key = SecretString::from(format!("{}\n", key.expose_secret().trim_end()));
                let passphrase = passphrase.as_ref().map(ExposeSecret::expose_secret);
                made(Cred::ssh_key_from_memory(&user, None, key.expose_secret(), passphrase))
            }
            Self::Password { .. } => Err("the server takes no password (`repository.credentials.password`)".to_owned()),
            Self::SshKey { .. } => Err("the server takes no ssh key (`repository.credentials.sshKey`)".to_owned()),
        }
    }

    fn user(&self, remote: &RemoteUrl, asked: Option<&str>) -> String {
        let configured = match self {
            Self::Nothing => None,
            Self::Password { username, .. } | Self::SshKey { username, .. } => username.as_ref(),
        };
        // ssh has told the server a user already when it asks for the key.
        let asked = asked.filter(|asked| !asked.is_empty());
        let configured = configured.map(|name| name.expose_secret().to_owned());
        match remote.scheme {
            Scheme::Ssh => asked.map(str::to_owned).or(configured),
            Scheme::Https | Scheme::Http | Scheme::Git => configured.or(asked.map(str::to_owned)),
        }
        .or_else(|| remote.user.clone())
        .unwrap_or_else(|| DEFAULT_USER.to_owned())
    }

    /// Tells a mask what is not to be shown of it.
    pub(super) fn teach(&self, mask: &Mask) {
        let (user, secrets) = match self {
            Self::Nothing => return,
            Self::Password { username, password } => (username, [Some(password), None]),
            Self::SshKey { username, key, passphrase } => (username, [Some(key), passphrase.as_ref()]),
        };
        user.iter().for_each(|user| mask.keep(user));
        for secret in secrets.into_iter().flatten() {
            mask.keep(secret);
            // Without a user of its own, a password is sent for `git`.
            mask.keep_pair(user.as_ref().map_or(DEFAULT_USER, ExposeSecret::expose_secret), secret);
        }
    }
}

/// The hosts a person accepted: the configured file, or OpenSSH's own.
pub(super) fn known_hosts(credentials: Option<&Credentials>) -> Result<KnownHosts, SourceError> {
    if let Some(Credentials::SshKey { known_hosts: Some(source), .. }) = credentials {
        let text = source.read_up_to(KNOWN_HOSTS_BYTES_MAX, "repository.credentials.knownHosts").map_err(unread)?;
        return Ok(KnownHosts::parse(text.expose_secret(), "`repository.credentials.knownHosts`"));
    }
    let own = home::folder().map(|home| home.join(".ssh/known_hosts"));
    let files = own.into_iter().chain([PathBuf::from("/etc/ssh/ssh_known_hosts")]);
    let text = |file: PathBuf| String::from_utf8(read_regular(&file, KNOWN_HOSTS_BYTES_MAX).ok()?).ok();
    let texts: Vec<String> = files.filter_map(text).collect();
    Ok(KnownHosts::parse(&texts.join("\n"), "`~/.ssh/known_hosts`"))
}

fn made(cred: Result<Cred, git2::Error>) -> Result<Cred, String> {
    cred.map_err(|error| format!("the credentials cannot be used: {}", error.message()))
}

fn optional(source: Option<&SecretSource>, key: &str) -> Result<Option<SecretString>, SourceError> {
    source.map(|source| secret(source, key)).transpose()
}

fn secret(source: &SecretSource, key: &str) -> Result<SecretString, SourceError> {
    source.read(&format!("repository.credentials.{key}")).map_err(unread)
}

fn unread(error: SecretError) -> SourceError {
    SourceError::Setting(crate::error_chain(&error))
}
