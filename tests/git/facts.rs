//! What records are held against: what a commit touches, and which blob stood where.

use flowsync::source::{BlobId, Source, Touched};

use crate::support::{Place, git, record};

#[tokio::test]
async fn a_commit_touches_records_alone_or_something_else_or_is_a_merge() {
    let place = Place::new();
    let source = place.local();
    let base = source.fetch().await.unwrap().records.unwrap();
    let more = Touched::More("README.md".to_owned());
    let ours = source.commit_records(Some(&base), &record("production/manifest.json", Some("1"))).await.unwrap();
    assert_eq!(source.touched(&ours).await.unwrap(), Touched::RecordsOnly);
    let removed = source.commit_records(Some(&ours), &record("production/manifest.json", None)).await.unwrap();
    assert_eq!(source.touched(&removed).await.unwrap(), Touched::RecordsOnly);
    git(&place.work(), &["fetch", "--quiet", "origin", "main"]);
    git(&place.work(), &["reset", "--quiet", "--hard", "FETCH_HEAD"]);
    place.write("deployments/production/manifest.json", "2");
    place.write("README.md", "more");
    let both = place.commit("both");
    git(&place.work(), &["checkout", "--quiet", "-b", "side", "HEAD~1"]);
    place.write("deployments/staging/manifest.json", "3");
    let alone = place.commit("records alone, by somebody");
    git(&place.work(), &["checkout", "--quiet", "main"]);
    git(&place.work(), &["merge", "--quiet", "--no-ff", "-m", "merge", "side"]);
    place.push();
    let merge = source.fetch().await.unwrap().flows;
    assert_eq!(source.touched(&both).await.unwrap(), more);
    assert_eq!(source.touched(&alone).await.unwrap(), Touched::RecordsOnly);
    assert_eq!(source.touched(&merge).await.unwrap(), Touched::Merge);
}

#[tokio::test]
async fn the_first_commit_of_a_branch_touches_all_that_it_holds() {
    let place = Place::new();
    let first = git(&place.work(), &["rev-list", "--max-parents=0", "HEAD"]);
    let source = place.local();
    source.fetch().await.unwrap();
    let touched = source.touched(&flowsync::source::CommitId(first)).await.unwrap();
    assert!(matches!(touched, Touched::More(_)), "{touched:?}");
}

#[tokio::test]
async fn a_flow_is_looked_for_in_the_flows_folder_alone() {
    let place = Place::new();
    place.write("docs/a.json", "{}");
    place.write("flowsx/a.json", "{}");
    let first = place.commit("docs");
    place.write("flows/a.json", "{\"a\":2}");
    place.commit("flows");
    place.push();
    let source = place.local();
    let tip = source.fetch().await.unwrap().flows;
    let (one, two) = (source.blob_id(b"{\"a\":1}"), source.blob_id(b"{\"a\":2}"));
    assert_eq!(source.flow_blob(&first, "flows/a.json").await.unwrap(), Some(one.clone()));
    assert_eq!(source.flow_blob(&tip, "flows/a.json").await.unwrap(), Some(two.clone()));
    for path in ["docs/a.json", "flowsx/a.json", "flows", "flows/", "flows/none.json", "../flows/a.json"] {
        assert_eq!(source.flow_blob(&tip, path).await.unwrap(), None, "{path}");
        assert_eq!(source.flow_history(&tip, path).await.unwrap(), [], "{path}");
    }
    let history = source.flow_history(&tip, "flows/a.json").await.unwrap();
    assert_eq!(history.into_iter().map(|entry| entry.blob).collect::<Vec<_>>(), [Some(two.clone()), Some(one)]);
    let unknown = BlobId("0".repeat(40));
    assert_eq!(source.blob_sizes(&[two, unknown]).await.unwrap(), [Some(7), None]);
}
