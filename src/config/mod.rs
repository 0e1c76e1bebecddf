//! `flowsync.yaml`: as written, then as meant. Always read from the file system, never from a commit.

mod meant;
mod secret;

pub use meant::{
    Auth, Author, Config, Credentials, Drift, Environment, MaxDeletes, OAuth2, Prune, Repository, SyncPolicy,
    TenantAddress,
};
pub use secret::{SecretError, SecretSource};
