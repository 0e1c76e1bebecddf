//! The example repositories, in the binary, so that the demo runs anywhere.

/// The production flows of `examples/flows-repo`: path in the repository, content.
pub(super) const FLOWS: &[(&str, &str)] = &[
    (
        "flows/production/billing/payment-reminder.json",
        include_str!("../../examples/flows-repo/flows/production/billing/payment-reminder.json"),
    ),
    (
        "flows/production/billing/payment.json",
        include_str!("../../examples/flows-repo/flows/production/billing/payment.json"),
    ),
    (
        "flows/production/claims/claim-home.json",
        include_str!("../../examples/flows-repo/flows/production/claims/claim-home.json"),
    ),
    (
        "flows/production/claims/claim-motor.json",
        include_str!("../../examples/flows-repo/flows/production/claims/claim-motor.json"),
    ),
    (
        "flows/production/claims/claim-status.json",
        include_str!("../../examples/flows-repo/flows/production/claims/claim-status.json"),
    ),
    (
        "flows/production/core/fallback.json",
        include_str!("../../examples/flows-repo/flows/production/core/fallback.json"),
    ),
    (
        "flows/production/core/farewell.json",
        include_str!("../../examples/flows-repo/flows/production/core/farewell.json"),
    ),
    (
        "flows/production/core/feedback.json",
        include_str!("../../examples/flows-repo/flows/production/core/feedback.json"),
    ),
    (
        "flows/production/core/greeting.json",
        include_str!("../../examples/flows-repo/flows/production/core/greeting.json"),
    ),
    (
        "flows/production/core/main-menu.json",
        include_str!("../../examples/flows-repo/flows/production/core/main-menu.json"),
    ),
    (
        "flows/production/identification/identify-caller.json",
        include_str!("../../examples/flows-repo/flows/production/identification/identify-caller.json"),
    ),
    (
        "flows/production/policy/address-change.json",
        include_str!("../../examples/flows-repo/flows/production/policy/address-change.json"),
    ),
    (
        "flows/production/policy/document-request.json",
        include_str!("../../examples/flows-repo/flows/production/policy/document-request.json"),
    ),
    (
        "flows/production/policy/policy-change.json",
        include_str!("../../examples/flows-repo/flows/production/policy/policy-change.json"),
    ),
    (
        "flows/production/service/agent-handover.json",
        include_str!("../../examples/flows-repo/flows/production/service/agent-handover.json"),
    ),
    (
        "flows/production/service/callback.json",
        include_str!("../../examples/flows-repo/flows/production/service/callback.json"),
    ),
    (
        "flows/production/service/complaint.json",
        include_str!("../../examples/flows-repo/flows/production/service/complaint.json"),
    ),
    (
        "flows/production/service/out-of-hours.json",
        include_str!("../../examples/flows-repo/flows/production/service/out-of-hours.json"),
    ),
    (
        "flows/production/service/privacy-notice.json",
        include_str!("../../examples/flows-repo/flows/production/service/privacy-notice.json"),
    ),
];

/// What the tenant holds before the first flow.
pub(super) const SEED: &str = include_str!("../../examples/flows-repo/seed.yaml");

/// The flows of `examples/cognigy-repo`: path in the repository, content.
pub(super) const FOLDERS: &[(&str, &str)] = &[
    (
        "flows/booking/code/check-slot-2b000000.js",
        include_str!("../../examples/cognigy-repo/flows/booking/code/check-slot-2b000000.js"),
    ),
    ("flows/booking/flow.json", include_str!("../../examples/cognigy-repo/flows/booking/flow.json")),
    ("flows/booking/locales/de-DE.json", include_str!("../../examples/cognigy-repo/flows/booking/locales/de-DE.json")),
    ("flows/main/flow.json", include_str!("../../examples/cognigy-repo/flows/main/flow.json")),
    ("flows/main/locales/de-DE.json", include_str!("../../examples/cognigy-repo/flows/main/locales/de-DE.json")),
];

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn files(root: &Path, folder: &Path) -> Vec<String> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => found.extend(files(root, &path)),
                false => found.push(path.strip_prefix(root).unwrap().display().to_string()),
            }
        }
        found.sort();
        found
    }

    #[test]
    fn every_file_of_the_flows_that_stand_in_folders_is_in_the_demo() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/cognigy-repo");
        let paths: Vec<&str> = FOLDERS.iter().map(|(path, _)| *path).collect();
        assert_eq!(files(&root, &root.join("flows")), paths);
    }

    #[test]
    fn every_production_flow_of_the_example_is_in_the_demo() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/flows-repo");
        let tree = crate::source::WorkTree::at(&root);
        let folder = "flows/production";
        let listed = tree.list(&crate::source::FlowSelection::whole(folder), folder).unwrap();
        assert_eq!(FLOWS.iter().map(|(path, _)| (*path).to_owned()).collect::<Vec<_>>(), listed.entries);
    }
}
