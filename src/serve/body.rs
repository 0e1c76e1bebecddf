//! The body of a request, never more of it in memory than is allowed.

use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use futures_util::StreamExt;

/// Largest body that is looked at.
pub(super) const BODY_BYTES_MAX: usize = 1024 * 1024;
/// What comes beyond that is let pass by up to here, so that whoever sends it hears the answer.
const PASSED_BY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Reads a whole body.
///
/// # Errors
/// The status to answer: 413 where it is too large, 400 where it breaks off.
pub(super) async fn whole(body: Body) -> Result<Vec<u8>, StatusCode> {
    let mut pieces = body.into_data_stream();
    let (mut whole, mut n_bytes) = (Vec::new(), 0_usize);
    while let Some(piece) = pieces.next().await {
        let piece: Bytes = piece.map_err(|_| StatusCode::BAD_REQUEST)?;
        n_bytes = n_bytes.saturating_add(piece.len());
        if n_bytes <= BODY_BYTES_MAX {
            whole.extend_from_slice(&piece);
        } else {
            whole = Vec::new();
            if n_bytes > PASSED_BY_BYTES_MAX {
                break;
            }
        }
    }
    if n_bytes > BODY_BYTES_MAX { Err(StatusCode::PAYLOAD_TOO_LARGE) } else { Ok(whole) }
}
