//! What every sandbox needs of HTTP: a listener whose connections can be cut, requests read whole, answers as bytes,
//! and whose requests are answered at all. Knows no API.

mod cut;
mod reach;
mod reply;
mod request;
mod serving;

pub(crate) use cut::KillSwitch;
pub(crate) use reach::Reach;
pub(crate) use reply::Reply;
pub(crate) use request::{BodyError, Credential, Incoming};
pub(crate) use serving::Serving;
