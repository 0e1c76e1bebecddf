//! Files of this machine, carefully: what somebody named is a regular file of a bounded size, and what we keep is
//! for us alone.

mod private;
mod read;

pub(crate) use private::{make_private, make_root_private, narrow_all, private_file};
pub(crate) use read::read_regular;
