//! A whole list, or none: page by page, by cursor or, where there is none, by what was seen.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::time::sleep;

use super::super::http::within;
use super::super::{Failure, TenantError};
use super::call::Calls;

/// Items of one page, the most there are.
const PAGE_ITEMS: usize = 100;

/// A page in either of the forms that servers of this API answer.
#[derive(Deserialize)]
struct Page {
    items: Option<Vec<Value>>,
    #[serde(rename = "_embedded")]
    embedded: Option<BTreeMap<String, Vec<Value>>>,
    total: Option<usize>,
    #[serde(rename = "nextCursor", alias = "next")]
    next: Option<Value>,
}

/// Where a page begins.
enum From {
    Start,
    Cursor(String),
    Seen(usize),
}

impl Calls<'_> {
    /// The items of a list, by their `_id`: as many as the tenant says that there are.
    ///
    /// # Errors
    /// Of a request; or the list does not add up, however often it is read.
    pub(super) async fn list<T: DeserializeOwned>(
        &self,
        path: &[&str],
        project: &str,
        what: &'static str,
    ) -> Result<BTreeMap<String, T>, TenantError> {
        let tuning = self.tuning();
        let (mut pause, mut detail) = (tuning.list_pause, String::new());
        for reading in 1..=tuning.list_reads {
            if reading > 1 {
                let rested = within(self.asked.limits, sleep(pause)).await;
                rested.map_err(|_| self.error(Failure::Incomplete { detail: detail.clone() }))?;
                pause *= 2;
            }
            match self.read_once(path, project, what).await? {
                (items, Some(total)) if items.len() != total => {
                    detail = format!("expected {total} of `{}`, found {}", path.join("/"), items.len());
                }
                (items, _) => return self.typed(items),
            }
        }
        Err(self.error(Failure::Incomplete { detail: format!("{detail}; read {} times", tuning.list_reads) }))
    }

    async fn read_once(
        &self,
        path: &[&str],
        project: &str,
        what: &'static str,
    ) -> Result<(BTreeMap<String, Value>, Option<usize>), TenantError> {
        let (mut items, mut from, limit) = (BTreeMap::new(), From::Start, PAGE_ITEMS.to_string());
        let n_items_max = usize::try_from(self.tuning().own_items_max).unwrap_or(usize::MAX);
        loop {
            let mut query = vec![("projectId", project.to_owned()), ("limit", limit.clone())];
            match &from {
                From::Start => {}
                From::Cursor(cursor) => query.push(("next", cursor.clone())),
                From::Seen(n_seen) => query.push(("skip", n_seen.to_string())),
            }
            let query: Vec<(&str, &str)> = query.iter().map(|(key, value)| (*key, value.as_str())).collect();
            let page: Page = self.json(path, &query, what).await?;
            let Page { items: plain, embedded, total, next } = page;
            let found = plain.or_else(|| embedded?.into_values().next()).unwrap_or_default();
            let (n_found, n_before) = (found.len(), items.len());
            for item in found {
                let Some(id) = item["_id"].as_str() else { return Err(self.garbage(item.to_string().as_bytes())) };
                items.insert(id.to_owned(), item);
            }
            if items.len() > n_items_max {
                let detail = format!("more than {n_items_max} of `{}`", path.join("/"));
                return Err(self.error(Failure::Endless { detail }));
            }
            let is_stuck = items.len() == n_before;
            from = match next {
                Some(Value::String(cursor)) if !cursor.is_empty() && !is_stuck => From::Cursor(cursor),
                _ if total.is_some_and(|total| items.len() < total) && n_found > 0 && !is_stuck => {
                    From::Seen(items.len())
                }
                _ => return Ok((items, total)),
            };
        }
    }

    fn typed<T: DeserializeOwned>(&self, items: BTreeMap<String, Value>) -> Result<BTreeMap<String, T>, TenantError> {
        let read = |(id, item): (String, Value)| {
            let shown = item.to_string();
            serde_json::from_value(item).map(|item| (id, item)).map_err(|_| self.garbage(shown.as_bytes()))
        };
        items.into_iter().map(read).collect()
    }
}
