//! Files of this machine, carefully: what somebody named is a regular file of a bounded size, what we keep is for us
//! alone, and what a path leads to is watched.

mod private;
mod read;
mod watch;

pub(crate) use private::{make_private, make_root_private, narrow_all, private_file};
pub(crate) use read::read_regular;
pub(crate) use watch::PathWatch;
