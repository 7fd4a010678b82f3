//! Endpoints, revisions and traffic: what is kept, audited, recovered and refused.

use flyball_core::{Clock, ErrorCode, Value};
use flyball_governance::audit;
use flyball_serving::{EndpointState, RowRequest, Share, create_endpoint, set_traffic, store};
use flyball_testkit::{TestDb, on_both};

use crate::fixture::{Fixture, name, permit};

#[test]
fn a_restart_recovers_what_was_deployed() {
    on_both(|db| {
        let fixture = Fixture::new(db);
        let revisions = fixture.deploy("flights", &[("toy 1 0 x", 750), ("toy 2 0 x", 250)]);
        let serving = fixture.restarted();
        let live = serving.endpoint("flights").unwrap();
        assert_eq!(live.state, EndpointState::Ready);
        let split: Vec<_> = live.revisions.iter().map(|live| (live.revision.id.clone(), live.per_mille)).collect();
        assert_eq!(split, [(revisions[0].id.clone(), 750), (revisions[1].id.clone(), 250)]);
        let newest = db.read(|tx| store::revisions(tx, "flights")).unwrap();
        assert_eq!(newest.iter().map(|revision| revision.version).collect::<Vec<_>>(), [2, 1]);
    });
}

#[test]
fn repeating_a_change_changes_and_audits_nothing() {
    on_both(|db| {
        let fixture = Fixture::new(db);
        let first = fixture.deploy("flights", &[("toy 1 0 x", 1000)]);
        let events = || db.read(|tx| audit::newest(tx, None, 100)).unwrap();
        let before = events();
        let actions: Vec<_> = before.iter().rev().map(|recorded| recorded.event.action.as_str()).collect();
        assert_eq!(actions, ["endpoint.create", "revision.create", "endpoint.traffic"]);
        assert_eq!(fixture.deploy("flights", &[("toy 1 0 x", 1000)]), first);
        assert_eq!(events(), before);
    });
}

#[test]
fn wrong_changes_are_refused_and_leave_nothing() {
    on_both(|db| {
        let fixture = Fixture::new(db);
        let mine = fixture.deploy("flights", &[("toy 1 0 x", 1000)]);
        fixture.deploy("churn", &[("toy 1 0 x", 1000)]);
        let now = fixture.clock.now();
        let set = |endpoint: &str, id: &str, per_mille: u16| {
            let (endpoint, shares) = (name(endpoint), vec![Share::new(id, per_mille)]);
            db.write(move |tx| set_traffic(tx, &permit(), &endpoint, &shares, now)).unwrap_err().code()
        };
        assert_eq!(set("flights", &mine[0].id, 999), ErrorCode::InvalidInput);
        assert_eq!(set("churn", &mine[0].id, 1000), ErrorCode::NotFound);
        assert_eq!(set("nothing", &mine[0].id, 1000), ErrorCode::NotFound);
        let taken = db.write(move |tx| create_endpoint(tx, &permit(), &name("flights"), Some(&name("other")), now));
        assert_eq!(taken.unwrap_err().code(), ErrorCode::Conflict);
        assert_eq!(db.read(|tx| store::traffic(tx, "flights")).unwrap()[0].per_mille, 1000);
    });
}

#[test]
fn a_model_that_cannot_be_loaded_takes_only_its_own_endpoint_down() {
    let db = TestDb::sqlite();
    let fixture = Fixture::new(&db);
    fixture.prepare("good", &[("toy 1 0 x", 1000)]);
    fixture.prepare("half", &[("toy 1 0 x", 900), ("broken", 100)]);
    fixture.prepare("bad", &[("broken", 1000)]);
    fixture.serving.refresh().unwrap();
    let ask = |endpoint: &str, key: &str| {
        let values = [Value::Int(1)];
        fixture.serving.infer_row(endpoint, RowRequest { key: Some(key), values: &values, ..RowRequest::default() })
    };
    assert!(ask("good", "a").is_ok());
    for key in 0..100 {
        assert_eq!(ask("half", &key.to_string()).unwrap().scores, [2.0]);
    }
    let error = ask("bad", "a").unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unavailable);
    assert!(error.message().contains("not a toy"), "{error}");
    let states: Vec<_> = fixture.serving.snapshot().into_iter().map(|endpoint| endpoint.state.as_str()).collect();
    assert_eq!(states, ["failed", "ready", "degraded"]);
}

#[test]
fn a_tampered_model_is_not_loaded() {
    let db = TestDb::sqlite();
    let fixture = Fixture::new(&db);
    let revisions = fixture.prepare("flights", &[("toy 1 0 x", 1000)]);
    let digest = revisions[0].artifact.to_string();
    let file = fixture.folder.path().join("blobs").join(&digest[..2]).join(&digest[2..]);
    std::fs::write(&file, b"toy 9 0 x").unwrap();
    fixture.serving.refresh().unwrap();
    let state = fixture.serving.endpoint("flights").unwrap().state.clone();
    assert!(matches!(state, EndpointState::Failed(_)), "{state:?}");
}
