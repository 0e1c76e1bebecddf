//! The requests of the dialect.

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use reqwest::{Body, Method, Request, Url};
use serde_json::json;

use super::super::Call;
use super::super::http::{Sent, Tuning};
use super::endpoint::EndpointOf;
use crate::flow::{EnvironmentId, FlowId};

/// Makes requests below one base address.
#[derive(Debug, Clone, Copy)]
pub(super) struct Requests<'a> {
    pub(super) base: &'a Url,
    pub(super) tuning: &'a Tuning,
}

impl Requests<'_> {
    /// One page of a list.
    pub(super) fn page(&self, call: Call, environment: &EnvironmentId, limit: u64, offset: u64) -> Sent<EndpointOf> {
        let folder = match call {
            Call::Intents => "intents",
            Call::Entities => "entities",
            Call::Variables => "variables",
            _ => "flows",
        };
        let (limit, offset) = (limit.to_string(), offset.to_string());
        let query = [("limit", limit.as_str()), ("offset", &offset), ("environmentId", environment.as_str())];
        self.request(Method::GET, call, &[folder], &query)
    }

    /// An import; `flow` is put in byte by byte.
    pub(super) fn import(&self, environment: &EnvironmentId, flow: &[u8]) -> Sent<EndpointOf> {
        let environment = json!(environment.as_str()).to_string();
        let body = [br#"{"flow":"#, flow, br#","environmentId":"#, environment.as_bytes(), b"}"].concat();
        with_json(self.request(Method::POST, Call::Import, &["flows", "import"], &[]), body)
    }

    pub(super) fn status(&self, environment: &EnvironmentId, id: &FlowId) -> Sent<EndpointOf> {
        let query = [("environmentId", environment.as_str())];
        self.request(Method::GET, Call::Status, &["flows", id.as_str(), "status"], &query)
    }

    pub(super) fn rollback(&self, environment: &EnvironmentId, id: &FlowId, version: &str) -> Sent<EndpointOf> {
        let body = json!({ "targetVersion": version, "environmentId": environment.as_str() }).to_string();
        let request = self.request(Method::POST, Call::Rollback, &["flows", id.as_str(), "rollback"], &[]);
        with_json(request, body.into_bytes())
    }

    pub(super) fn delete(&self, environment: &EnvironmentId, id: &FlowId) -> Sent<EndpointOf> {
        let query = [("environmentId", environment.as_str())];
        self.request(Method::DELETE, Call::Delete, &["flows", id.as_str()], &query)
    }

    fn request(&self, method: Method, call: Call, path: &[&str], query: &[(&str, &str)]) -> Sent<EndpointOf> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
            // A plus is a space to some servers and a plus to others; `%20` is a space to all.
            let written = url.query().unwrap_or_default().replace('+', "%20");
            url.set_query(Some(&written));
        }
        let mut request = Request::new(method, url);
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        *request.timeout_mut() = Some(match call {
            Call::Export | Call::Intents | Call::Entities | Call::Variables => self.tuning.page_timeout,
            Call::Import => self.tuning.import_timeout,
            Call::Status => self.tuning.status_timeout,
            Call::Rollback | Call::Delete | Call::Token | Call::Serving | Call::Release => self.tuning.other_timeout,
        });
        Sent { endpoint: EndpointOf(call), request }
    }
}

fn with_json(mut sent: Sent<EndpointOf>, body: Vec<u8>) -> Sent<EndpointOf> {
    sent.request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    *sent.request.body_mut() = Some(Body::from(body));
    sent
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(make: impl Fn(&Requests<'_>, &EnvironmentId, &FlowId) -> Sent<EndpointOf>, url: &str, body: &str) {
        let (base, tuning) = (Url::parse("https://t.example/api/v2").unwrap(), Tuning::default());
        let environment = EnvironmentId("env a&b=ä+/?#\"".to_owned());
        let requests = Requests { base: &base, tuning: &tuning };
        let Sent { request, .. } = make(&requests, &environment, &"flow_a".parse().unwrap());
        assert_eq!(request.url().as_str(), format!("https://t.example/api/v2/{url}"));
        let found = request.body().and_then(Body::as_bytes).unwrap_or_default();
        assert_eq!(String::from_utf8_lossy(found), body);
    }

    #[test]
    fn they_are_what_the_specification_says() {
        let e = "environmentId=env%20a%26b%3D%C3%A4%2B%2F%3F%23%22";
        check(|r, env, _| r.page(Call::Export, env, 100, 200), &format!("flows?limit=100&offset=200&{e}"), "");
        check(|r, env, _| r.page(Call::Intents, env, 1, 0), &format!("intents?limit=1&offset=0&{e}"), "");
        check(|r, env, _| r.page(Call::Entities, env, 1, 0), &format!("entities?limit=1&offset=0&{e}"), "");
        check(|r, env, _| r.page(Call::Variables, env, 1, 0), &format!("variables?limit=1&offset=0&{e}"), "");
        check(|r, env, id| r.status(env, id), &format!("flows/flow_a/status?{e}"), "");
        check(|r, env, id| r.delete(env, id), &format!("flows/flow_a?{e}"), "");
        let rolled = r#"{"environmentId":"env a&b=ä+/?#\"","targetVersion":"1.0.0"}"#;
        check(|r, env, id| r.rollback(env, id, "1.0.0"), "flows/flow_a/rollback", rolled);
    }

    #[test]
    fn an_imported_flow_is_sent_as_it_stands() {
        let flow = "{ \"id\" : \"flow_a\",\r\n \"x\": 1.50e3 }\n";
        let body = format!("{{\"flow\":{flow},\"environmentId\":\"env a&b=ä+/?#\\\"\"}}");
        check(|r, env, _| r.import(env, flow.as_bytes()), "flows/import", &body);
    }
}
