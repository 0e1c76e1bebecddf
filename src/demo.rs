//! `flowsync demo`

use std::error::Error;
/// x
pub async fn run(_color: bool) -> Result<u8, Box<dyn Error + Send + Sync>> {
    Ok(0)
}
