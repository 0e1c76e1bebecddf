//! Files of this machine, carefully: what somebody named is a regular file of a bounded size, and what we keep is
//! for us alone.

mod read;

pub(crate) use read::read_regular;
