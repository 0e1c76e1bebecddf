//! What is shown of plans, and of a controller: structs from which text, JSON, Markdown and pages are all made.

mod basis;
mod compared;
mod plan;
mod release;
mod status;

pub use basis::Basis;
pub use compared::Compared;
pub use plan::{ChangeView, PlanView, Summary};
pub use release::{EndpointView, ReleaseView};
pub use status::{EnvironmentView, STATUS_SCHEMA, StatusView};
