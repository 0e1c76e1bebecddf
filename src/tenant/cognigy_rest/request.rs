//! The requests of the dialect. None that reads has a body: the vendor answers 403 to that.

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Body, Method, Request, Url};
use serde_json::Value;

use super::super::http::{Sent, Tuning};
use super::endpoint::Route;

/// Where every path begins, below the address in the configuration.
const ROOT: [&str; 2] = ["new", "v2.0"];

/// Makes requests below one base address.
#[derive(Debug, Clone, Copy)]
pub(super) struct Requests<'a> {
    pub(super) base: &'a Url,
    pub(super) tuning: &'a Tuning,
    /// Sent as `organisation-id`, where there is one.
    pub(super) organisation: Option<&'a str>,
}

impl Requests<'_> {
    /// Something read.
    pub(super) fn get(&self, path: &[&str], query: &[(&str, &str)], what: &'static str) -> Sent<Route> {
        let mut sent = self.request(Method::GET, path, query, what);
        *sent.request.timeout_mut() = Some(self.tuning.page_timeout);
        sent
    }

    /// Something changed.
    pub(super) fn write(&self, method: Method, path: &[&str], body: &Value, what: &'static str) -> Sent<Route> {
        let mut sent = self.request(method, path, &[], what);
        let headers = sent.request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *sent.request.body_mut() = Some(Body::from(body.to_string()));
        sent
    }

    fn request(&self, method: Method, path: &[&str], query: &[(&str, &str)], what: &'static str) -> Sent<Route> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(ROOT).extend(path);
        }
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        let mut request = Request::new(method.clone(), url);
        request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(organisation) = self.organisation.and_then(|it| HeaderValue::from_str(it).ok()) {
            request.headers_mut().insert(HeaderName::from_static("organisation-id"), organisation);
        }
        *request.timeout_mut() = Some(self.tuning.import_timeout);
        Sent { endpoint: Route { method, what }, request }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn they_go_below_the_address_and_read_without_a_body() {
        let (base, tuning) = (Url::parse("https://t.example/").unwrap(), Tuning::default());
        let requests = Requests { base: &base, tuning: &tuning, organisation: Some("org") };
        let read = requests.get(&["flows", "a/b", "chart"], &[("preferredLocaleId", "l")], "read").request;
        assert_eq!(read.url().as_str(), "https://t.example/new/v2.0/flows/a%2Fb/chart?preferredLocaleId=l");
        assert!(read.body().is_none());
        assert_eq!(
            (&read.headers()["accept"], &read.headers()["organisation-id"]),
            (&"application/json".parse().unwrap(), &"org".parse().unwrap())
        );
        let write = requests.write(Method::PATCH, &["flows", "f"], &json!({"name": "n"}), "write").request;
        assert_eq!(write.body().and_then(Body::as_bytes), Some(&br#"{"name":"n"}"#[..]));
    }
}
