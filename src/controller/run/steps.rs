//! The steps of a deployment, told as events.

use std::sync::{Arc, Mutex, PoisonError};

use super::event::{Event, Events, Moved};
use crate::deploy::{Progress, ProgressStep};

impl Events {
    /// Whatever an engine says of its steps, told of this environment.
    #[must_use]
    pub fn steps_of(&self, environment: &str) -> Progress {
        let (events, environment) = (self.clone(), Arc::<str>::from(environment));
        let stage = Mutex::new("");
        Arc::new(move |step| {
            let environment = environment.clone();
            let mut stage = stage.lock().unwrap_or_else(PoisonError::into_inner);
            let moved = |flow: &crate::flow::FlowId, moved| Event::FlowMoved {
                environment: environment.clone(),
                stage: *stage,
                flow: flow.clone(),
                moved,
            };
            events.tell(match step {
                ProgressStep::Began { deployment, commit } => {
                    Event::DeploymentBegan { environment, deployment: deployment.into(), commit: commit.cloned() }
                }
                ProgressStep::Continued { deployment } => {
                    Event::DeploymentContinued { environment, deployment: deployment.into() }
                }
                ProgressStep::Stage(begun, n_flows) => {
                    *stage = begun;
                    Event::StageBegan { environment, stage: begun, n_flows }
                }
                ProgressStep::Done(flow) => moved(flow, Moved::Done),
                ProgressStep::Failed(flow) => moved(flow, Moved::Failed),
                ProgressStep::Over => Event::DeploymentOver { environment },
            });
        })
    }
}
