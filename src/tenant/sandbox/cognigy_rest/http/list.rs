//! Lists: which items, in which order, which page (vendor's reference).

use serde_json::{Value, json};

use super::super::refusal::Refusal;

/// Items a page has when the request does not say, and may have at most.
const LIMIT_DEFAULT: usize = 25;
const LIMIT_MAX: usize = 100;

/// What may stand in the query of any list, beside `<field>[]`.
const NAMES: [&str; 8] = ["projectId", "limit", "skip", "next", "previous", "sort", "filter", "preferredLocaleId"];

/// Refuses a name that does not belong into a query (reported by users); `more` are those of the call.
pub(super) fn check_names(query: &[(String, String)], is_list: bool, more: &[&str]) -> Result<(), Refusal> {
    let is_known = |name: &str| {
        more.contains(&name)
            || is_list && (NAMES.contains(&name) || name.strip_suffix("[]").is_some_and(|f| !f.is_empty()))
    };
    match query.iter().find(|(name, _)| !is_known(name)) {
        Some((unknown, _)) => Err(Refusal::invalid(format!("`{unknown}` is not allowed in the query"))),
        None => Ok(()),
    }
}

/// The page of `items` that `query` asks for.
pub(super) fn page(items: Vec<Value>, query: &[(String, String)]) -> Result<Value, Refusal> {
    let get = |name: &str| query.iter().rfind(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let limit = number("limit", get("limit"), LIMIT_DEFAULT)?;
    if !(1..=LIMIT_MAX).contains(&limit) {
        return Err(Refusal::invalid(format!("expected `limit` from 1 to {LIMIT_MAX}, found {limit}")));
    }
    let (next, previous) = (get("next"), get("previous"));
    let by = [get("skip").is_some(), next.is_some(), previous.is_some()];
    if by.iter().filter(|is_there| **is_there).count() > 1 {
        return Err(Refusal::invalid("`skip`, `next` and `previous` exclude each other"));
    }
    let mut items: Vec<Value> = items.into_iter().filter(|item| is_wanted(item, query)).collect();
    sort(&mut items, get("sort"))?;
    let start = match (next, previous) {
        (Some(last), _) => position(&items, last)? + 1,
        (_, Some(first)) => position(&items, first)?.saturating_sub(limit),
        _ => number("skip", get("skip"), 0)?,
    };
    let total = items.len();
    let end = match previous {
        Some(first) => position(&items, first)?,
        None => total.min(start.saturating_add(limit)),
    };
    let cursor = |at: Option<&Value>| at.map_or(Value::Null, |item| item["_id"].clone());
    let after = if end < total && end > start { items.get(end - 1) } else { None };
    let before = if start > 0 { items.get(start) } else { None };
    let (next_cursor, previous_cursor) = (cursor(after), cursor(before));
    let items: Vec<Value> = items.into_iter().take(end).skip(start).collect();
    Ok(json!({ "items": items, "total": total, "nextCursor": next_cursor, "previousCursor": previous_cursor }))
}

/// Cursors are the ids of the items at a page's edges: a page goes on where the last one ended, whatever was added since.
fn position(items: &[Value], cursor: &str) -> Result<usize, Refusal> {
    let position = items.iter().position(|item| item["_id"] == cursor);
    position.ok_or_else(|| Refusal::invalid(format!("the cursor `{cursor}` is not valid")))
}

fn number(name: &str, text: Option<&str>, default: usize) -> Result<usize, Refusal> {
    let Some(text) = text else { return Ok(default) };
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| text.parse().ok()).flatten();
    number.ok_or_else(|| Refusal::invalid(format!("expected `{name}` to be a whole number, found `{text}`")))
}

/// Whether an item has `filter` in its name, and in each field asked for one of the values.
fn is_wanted(item: &Value, query: &[(String, String)]) -> bool {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    query.iter().all(|(name, value)| match name.strip_suffix("[]") {
        Some(field) => query.iter().any(|(other, value)| other == name && text(&item[field]) == *value),
        None if name == "filter" => text(&item["name"]).to_lowercase().contains(&value.to_lowercase()),
        None => true,
    })
}

fn sort(items: &mut [Value], by: Option<&str>) -> Result<(), Refusal> {
    let Some(by) = by else { return Ok(()) };
    let (field, direction) = by.split_once(':').unwrap_or((by, "asc"));
    let key =
        |item: &Value| (item[field].as_f64().map(|number| number.to_bits()), item[field].as_str().map(str::to_owned));
    items.sort_by_key(key);
    match direction {
        "asc" => {}
        "desc" => items.reverse(),
        _ => return Err(Refusal::invalid(format!("expected `asc` or `desc`, found `{direction}`"))),
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(n_items: usize) -> Vec<Value> {
        (0..n_items).map(|n| json!({ "_id": format!("id{n}"), "name": format!("Name {}", n % 3), "n": n })).collect()
    }

    fn asked(query: &str, n_items: usize) -> Result<String, Refusal> {
        let query: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let page = page(items(n_items), &query)?;
        let shown = page["items"].as_array().cloned().unwrap_or_default();
        let shown: Vec<String> = shown.iter().map(|item| item["n"].to_string()).collect();
        let (next, previous) = (&page["nextCursor"], &page["previousCursor"]);
        Ok(format!("{} of {} next {next} previous {previous}", shown.join(","), page["total"]))
    }

    #[test]
    fn pages_follow_each_other_by_cursor_or_by_skip() {
        let expect = |query: &str, expected: &str| assert_eq!(asked(query, 5).unwrap(), expected, "{query}");
        expect("limit=2", r#"0,1 of 5 next "id1" previous null"#);
        expect("limit=2&next=id1", r#"2,3 of 5 next "id3" previous "id2""#);
        expect("limit=2&next=id3", r#"4 of 5 next null previous "id4""#);
        expect("limit=2&previous=id2", r#"0,1 of 5 next "id1" previous null"#);
        expect("limit=2&skip=4", r#"4 of 5 next null previous "id4""#);
        expect("skip=9", " of 5 next null previous null");
        expect("sort=n:desc&limit=2", r#"4,3 of 5 next "id3" previous null"#);
        expect("filter=name+1", "1,4 of 2 next null previous null");
        expect("n[]=2&n[]=3", "2,3 of 2 next null previous null");
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for query in ["limit=0", "limit=101", "limit=x", "skip=1&next=id1", "next=id9", "sort=n:up"] {
            assert!(asked(query, 5).is_err(), "{query}");
        }
        let query = |name: &str| vec![(name.to_owned(), String::new())];
        assert!(check_names(&query("colour"), true, &[]).is_err());
        assert!(check_names(&query("name[]"), true, &[]).is_ok());
        assert!(check_names(&query("limit"), false, &[]).is_err());
        assert!(check_names(&query("packages"), false, &["packages"]).is_ok());
    }
}
