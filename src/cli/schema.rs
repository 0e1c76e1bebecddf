//! `flowsync schema` and `flowsync completions`.

use clap::CommandFactory;

use super::arguments::{Arguments, SchemaArgs, WhichSchema};
use super::output;
use crate::config::CONFIG_SCHEMA;
use crate::controller::view::STATUS_SCHEMA;
use crate::flow::FLOW_SCHEMA;
use crate::format::cognigy::COGNIGY_FLOW_SCHEMA;
use crate::record::MANIFEST_SCHEMA;

pub(super) fn run(arguments: &SchemaArgs) -> u8 {
    let schema = match arguments.which {
        WhichSchema::Flow => FLOW_SCHEMA,
        WhichSchema::Config => CONFIG_SCHEMA,
        WhichSchema::Manifest => MANIFEST_SCHEMA,
        WhichSchema::CognigyFlow => COGNIGY_FLOW_SCHEMA,
        WhichSchema::Status => STATUS_SCHEMA,
    };
    output::print(schema);
    if !schema.ends_with('\n') {
        output::print("\n");
    }
    0
}

pub(super) fn completions(shell: clap_complete::Shell) -> u8 {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Arguments::command(), "flowsync", &mut script);
    output::print(&String::from_utf8_lossy(&script));
    0
}
