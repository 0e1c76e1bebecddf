//! Git with real parts: repositories made by `git`, and `git daemon`, `git http-backend` and `sshd` to serve them.
#![allow(unreachable_pub, reason = "modules of one test binary share helpers")]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "helpers are tests too")]

#[path = "git/cache.rs"]
mod cache;
#[path = "shared/certificates.rs"]
mod certificates;
#[path = "git/facts.rs"]
mod facts;
#[path = "git/http.rs"]
mod http;
#[path = "git/http_server.rs"]
mod http_server;
#[path = "git/local.rs"]
mod local;
#[path = "git/propose.rs"]
mod propose;
#[path = "git/race.rs"]
mod race;
#[path = "git/read.rs"]
mod read;
#[path = "git/served.rs"]
mod served;
#[path = "git/ssh.rs"]
mod ssh;
#[path = "git/support.rs"]
mod support;
#[path = "git/unread.rs"]
mod unread;
#[path = "git/upkeep.rs"]
mod upkeep;
#[path = "git/watch.rs"]
mod watch;
#[path = "git/work_tree.rs"]
mod work_tree;
