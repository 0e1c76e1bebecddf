//! The requests of the dialect. None that reads has a body: the vendor answers 403 to that.

use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue};
use reqwest::{Body, Method, Request, Url};
use serde_json::Value;

use super::super::http::{Sent, Tuning};
use super::endpoint::{Changes, Host, Judged, Route};

/// Where a path begins, below the address in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Root {
    /// `/new/v2.0`.
    Today,
    /// `/v2.0`, where some servers answer for charts only.
    Older,
}

/// Uploads and downloads may take so many times what a write may.
const FILES_TAKE: u32 = 5;

impl Root {
    fn segments(self) -> &'static [&'static str] {
        match self {
            Self::Today => &["new", "v2.0"],
            Self::Older => &["v2.0"],
        }
    }
}

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
    pub(super) fn get(&self, root: Root, path: &[&str], query: &[(&str, &str)], what: &'static str) -> Sent<Route> {
        let mut sent = self.request(root, Method::GET, path, query, what);
        *sent.request.timeout_mut() = Some(self.tuning.page_timeout);
        sent
    }

    /// Something changed.
    pub(super) fn write(&self, method: Method, path: &[&str], body: &Value, what: &'static str) -> Sent<Route> {
        let mut sent = self.request(Root::Today, method, path, &[], what);
        let headers = sent.request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        *sent.request.body_mut() = Some(Body::from(body.to_string()));
        sent
    }

    /// The same, of the very flow that the call is about.
    pub(super) fn write_flow(&self, method: Method, path: &[&str], body: &Value, what: &'static str) -> Sent<Route> {
        let sent = self.write(method, path, body, what);
        Sent { endpoint: Route { changes: Changes::TheFlow, ..sent.endpoint }, ..sent }
    }

    /// Something deleted.
    pub(super) fn delete(&self, path: &[&str], what: &'static str) -> Sent<Route> {
        self.request(Root::Today, Method::DELETE, path, &[], what)
    }

    /// The flow itself deleted.
    pub(super) fn delete_flow(&self, id: &str, what: &'static str) -> Sent<Route> {
        let sent = self.delete(&["flows", id], what);
        Sent { endpoint: Route { changes: Changes::TheFlow, ..sent.endpoint }, ..sent }
    }

    /// A file sent as a form, beside other fields.
    pub(super) fn upload(
        &self,
        path: &[&str],
        fields: &[(&str, &str)],
        file: &[u8],
        what: &'static str,
    ) -> Sent<Route> {
        let mut sent = self.request(Root::Today, Method::POST, path, &[], what);
        let boundary = boundary_beside(file);
        let field = |(name, value): &(&str, &str)| {
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
        };
        let (name, kind) = if file.starts_with(b"PK") {
            ("package.zip", "application/zip")
        } else {
            ("file.json", "application/json")
        };
        let head = format!(
            "--{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\nContent-Type: {kind}\r\n\r\n"
        );
        let mut body = (fields.iter().map(field).collect::<String>() + &head).into_bytes();
        body.extend_from_slice(file);
        body.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        if let Ok(kind) = HeaderValue::from_str(&format!("multipart/form-data; boundary={boundary}")) {
            sent.request.headers_mut().insert(CONTENT_TYPE, kind);
        }
        *sent.request.body_mut() = Some(Body::from(body));
        *sent.request.timeout_mut() = Some(self.tuning.import_timeout * FILES_TAKE);
        sent
    }

    /// What a link leads to that the tenant gave out; credentials go to its own host alone.
    ///
    /// # Errors
    /// In words: it is no address, or a less safe one than the tenant's.
    pub(super) fn follow(&self, link: &str, what: &'static str) -> Result<Sent<Route>, String> {
        let url = self.base.join(link).map_err(|error| format!("the tenant gave out a link that is none: {error}"))?;
        let host = if url.origin() == self.base.origin() { Host::Ours } else { Host::Linked };
        if url.scheme() != "https" && host == Host::Linked {
            return Err(format!(
                "the tenant gave out a link to `{}`, which is not https",
                url.origin().ascii_serialization()
            ));
        }
        let mut request = Request::new(Method::GET, url);
        *request.timeout_mut() = Some(self.tuning.import_timeout * FILES_TAKE);
        let (method, judged, changes) = (Method::GET, Judged::ByStatus, Changes::Beside);
        Ok(Sent { endpoint: Route { method, what, host, judged, changes }, request })
    }

    fn request(
        &self,
        root: Root,
        method: Method,
        path: &[&str],
        query: &[(&str, &str)],
        what: &'static str,
    ) -> Sent<Route> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(root.segments()).extend(path);
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
        let (host, judged, changes) = (Host::Ours, Judged::ByStatus, Changes::Beside);
        Sent { endpoint: Route { method, what, host, judged, changes }, request }
    }
}

/// What parts a form: nothing that stands in the file.
fn boundary_beside(file: &[u8]) -> String {
    let mut boundary = "flowsync".to_owned();
    while file.windows(boundary.len()).any(|window| window == boundary.as_bytes()) {
        boundary.push('-');
    }
    boundary
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn they_go_below_the_address_and_read_without_a_body() {
        let (base, tuning) = (Url::parse("https://t.example/").unwrap(), Tuning::default());
        let requests = Requests { base: &base, tuning: &tuning, organisation: Some("org") };
        let read = requests.get(Root::Today, &["flows", "a/b", "chart"], &[("preferredLocaleId", "l")], "read").request;
        assert_eq!(read.url().as_str(), "https://t.example/new/v2.0/flows/a%2Fb/chart?preferredLocaleId=l");
        assert!(read.body().is_none());
        assert_eq!(
            (&read.headers()["accept"], &read.headers()["organisation-id"]),
            (&"application/json".parse().unwrap(), &"org".parse().unwrap())
        );
        let older = requests.get(Root::Older, &["flows", "f", "chart"], &[], "read").request;
        assert_eq!(older.url().path(), "/v2.0/flows/f/chart");
        let write = requests.write(Method::PATCH, &["flows", "f"], &json!({"name": "n"}), "write").request;
        assert_eq!(write.body().and_then(Body::as_bytes), Some(&br#"{"name":"n"}"#[..]));
    }

    #[test]
    fn a_file_goes_as_a_form_that_it_cannot_end() {
        let (base, tuning) = (Url::parse("https://t.example/").unwrap(), Tuning::default());
        let requests = Requests { base: &base, tuning: &tuning, organisation: None };
        let sent = requests.upload(&["packages", "upload"], &[("projectId", "p")], b"--flowsync--", "write").request;
        assert_eq!(sent.headers()["content-type"], "multipart/form-data; boundary=flowsync---");
        let body = String::from_utf8(sent.body().and_then(Body::as_bytes).unwrap().to_vec()).unwrap();
        assert!(body.starts_with("--flowsync---\r\n") && body.ends_with("\r\n--flowsync-----\r\n"), "{body}");
        assert!(body.contains("name=\"projectId\"\r\n\r\np\r\n"), "{body}");
    }

    #[test]
    fn a_link_takes_no_key_to_another_host() {
        let (base, tuning) = (Url::parse("https://t.example/").unwrap(), Tuning::default());
        let requests = Requests { base: &base, tuning: &tuning, organisation: None };
        let host = |link: &str| requests.follow(link, "read").map(|sent| sent.endpoint.host);
        assert_eq!(host("https://t.example/download/x"), Ok(Host::Ours));
        assert_eq!(host("/download/x"), Ok(Host::Ours));
        assert_eq!(host("https://storage.example/x"), Ok(Host::Linked));
        assert_eq!(host("https://t.example:8443/x"), Ok(Host::Linked));
        assert!(host("http://t.example/x").unwrap_err().contains("not https"));
        assert!(host("file:///etc/passwd").unwrap_err().contains("not https"));
    }
}
