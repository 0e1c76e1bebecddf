//! What `tenant` means.

use std::path::Path;

use super::dialect;
use super::names;
use super::urls;
use super::written::{AUTH, Findings, OAUTH2, Section, TENANT, Wrong};
use super::yaml::Node;
use super::{Auth, OAuth2, TenantAddress};
use crate::address::Insecure;
use crate::problem::Rule;

/// Reads the section; `None` only where something in it was wrong.
pub(super) fn read(node: &Node, base: &Path, findings: &mut Findings) -> Option<TenantAddress> {
    let section = Section::open(node, TENANT, findings)?;
    let (api, environment_id) = dialect::read(&section, findings);
    let allow_insecure = section.read("allowInsecure", findings, names::boolean).unwrap_or_default();
    let insecure = Insecure::from(allow_insecure);
    let url = section.read_required("url", findings, |node| urls::web(node, insecure));
    let auth = section.required("auth", findings).and_then(|node| auth(node, base, insecure, findings));
    let ca_file = section.read("caFile", findings, |node| names::file(node, base));
    Some(TenantAddress { api: api?, url: url?, environment_id: environment_id?, auth: auth?, ca_file, allow_insecure })
}

fn auth(node: &Node, base: &Path, insecure: Insecure, findings: &mut Findings) -> Option<Auth> {
    let section = Section::open(node, AUTH, findings)?;
    let oauth2 = section.get("oauth2").map(|node| oauth2(node, base, insecure, findings));
    let api_key = section.get("apiKey").map(|node| names::secret(node, base, findings));
    match (oauth2, api_key) {
        (Some(oauth2), None) => oauth2.map(Auth::OAuth2),
        (None, Some(key)) => key.map(Auth::ApiKey),
        _ => {
            findings
                .add_to_section(node, Wrong::rule(Rule::OneOf, "expected exactly one of `oauth2` and `apiKey`", ""));
            None
        }
    }
}

fn oauth2(node: &Node, base: &Path, insecure: Insecure, findings: &mut Findings) -> Option<OAuth2> {
    let section = Section::open(node, OAUTH2, findings)?;
    let token_url = section.read_required("tokenUrl", findings, |node| urls::web(node, insecure));
    let mut secret = |key| section.required(key, findings).and_then(|node| names::secret(node, base, findings));
    let (client_id, client_secret) = (secret("clientId"), secret("clientSecret"));
    Some(OAuth2 { token_url: token_url?, client_id: client_id?, client_secret: client_secret? })
}
