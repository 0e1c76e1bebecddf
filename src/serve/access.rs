//! Who may ask. A token is compared so that the time it takes says nothing of how much of it is right.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::ExposeSecret;
use sha2::Sha256;

use super::served::Served;
use crate::config::SecretSource;

/// Lets whoever shows `server.readToken` read, and everybody where there is none.
pub(super) async fn may_read(State(served): State<Served>, request: Request, next: Next) -> Response {
    let wanted = served.settings().server.read_token.clone();
    match wanted {
        None => next.run(request).await,
        Some(wanted) => match check(request.headers(), &wanted, "server.readToken") {
            Ok(()) => next.run(request).await,
            Err(refused) => refused,
        },
    }
}

/// Whether a request shows a token, which is read now: it may have been rotated.
///
/// # Errors
/// The answer to give.
#[allow(clippy::result_large_err, reason = "an answer is made once a request")]
pub(super) fn check(headers: &HeaderMap, wanted: &SecretSource, purpose: &str) -> Result<(), Response> {
    let wanted = wanted.read(purpose).map_err(|error| {
        tracing::error!(error = %crate::error_chain(&error), "nobody can be let in");
        let text = format!("cannot read `{purpose}`; the log of flowsync says why\n");
        (StatusCode::INTERNAL_SERVER_ERROR, text).into_response()
    })?;
    match bearer(headers) {
        Some(shown) if is_same(shown.as_bytes(), wanted.expose_secret().as_bytes()) => Ok(()),
        Some(_) => Err(refused("the bearer token is another one\n")),
        None => Err(refused("expected `Authorization: Bearer <token>`\n")),
    }
}

/// The answer to whoever may not.
pub(super) fn refused(text: &'static str) -> Response {
    (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, "Bearer")], text).into_response()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

/// Compares without telling, by the time it takes, where the two differ.
fn is_same(shown: &[u8], wanted: &[u8]) -> bool {
    let digest = |text: &[u8]| Hmac::<Sha256>::new_from_slice(b"flowsync").map(|mac| mac.chain_update(text));
    match (digest(shown), digest(wanted)) {
        (Ok(shown), Ok(wanted)) => shown.verify_slice(&wanted.finalize().into_bytes()).is_ok(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(authorization: &str) -> HeaderMap {
        HeaderMap::from_iter([(header::AUTHORIZATION, authorization.parse().unwrap())])
    }

    #[test]
    fn only_the_token_itself_lets_in_and_a_rotated_one_at_once() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let source = SecretSource::File(file.path().to_owned());
        let code = |text: &str| match check(&headers(text), &source, "server.token") {
            Ok(()) => 200,
            Err(answer) => answer.status().as_u16(),
        };
        std::fs::write(file.path(), "hunter2\n").unwrap();
        for good in ["Bearer hunter2", "bearer hunter2", "BEARER  hunter2"] {
            assert_eq!(code(good), 200, "{good}");
        }
        for bad in
            ["Bearer hunter", "Bearer hunter22", "Bearer ", "Bearer", "hunter2", "Basic hunter2", "Bearer HUNTER2"]
        {
            assert_eq!(code(bad), 401, "{bad}");
        }
        std::fs::write(file.path(), "hunter3\n").unwrap();
        assert_eq!((code("Bearer hunter2"), code("Bearer hunter3")), (401, 200));
        std::fs::write(file.path(), "").unwrap();
        assert_eq!(code("Bearer hunter3"), 500);
    }
}
