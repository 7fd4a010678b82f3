//! Faults of the data, and shifts of the world.

use flyball_core::{Duration, ErrorCode};
use flyball_governance::identity;
use flyball_loops::apply::apply;
use flyball_registry::packages;
use flyball_remedies::{State, quarantine};

use crate::EVERYTHING;
use crate::world::{LOOP, LOOP_FILE, World, well};

fn quarantines(world: &World) -> Vec<(bool, i64)> {
    let permit = identity::local_user().unwrap().edit().read();
    let all = world.platform.db.read(|tx| quarantine::all(tx, &permit, LOOP)).unwrap();
    all.iter().map(|one| (one.to.is_none(), one.to.map_or(0, |to| (to - one.from).0 / Duration::days(1).0))).collect()
}

#[test]
fn a_missing_feature_is_set_aside_and_not_learned_from() {
    let mut world = World::new(EVERYTHING);
    world.days(5, &well);
    world.days(3, &|event, rng| {
        if rng.unit() < 0.5 {
            event.temperature = f64::NAN;
        }
    });
    assert_eq!(world.story(), ["day 6: quarantine taken for missing_feature, -"]);
    assert_eq!(quarantines(&world), [(true, 0)]);
    let first = &world.actions()[0];
    assert!(first.reason.contains("of temperature is missing"), "{}", first.reason);
    assert!(first.evidence["measured"].is_array() && first.evidence["rows"] == 600);
    world.days(3, &well);
    assert_eq!(quarantines(&world), [(false, 3)], "three days are set aside");
    assert_eq!(world.version().1, 1, "nothing was learned from them");
    assert!(world.actions().iter().all(|action| action.action != "retrain" || action.state != State::Taken));
}

#[test]
fn a_change_of_units_is_recognized() {
    let mut world = World::new(EVERYTHING);
    world.days(4, &well);
    world.days(2, &|event, _| event.temperature = (event.temperature - 32.0) / 1.8);
    world.days(2, &well);
    assert_eq!(world.story(), ["day 5: quarantine taken for unit_change, -"]);
    assert!(world.actions()[0].reason.contains("degrees Celsius"), "{}", world.actions()[0].reason);
    assert_eq!(quarantines(&world), [(false, 2)]);
}

#[test]
fn an_outage_upstream_is_no_reason_to_learn() {
    let mut world = World::new(EVERYTHING);
    world.days(5, &well);
    world.rows = 25;
    world.days(2, &well);
    world.rows = 600;
    world.days(3, &well);
    assert_eq!(world.story(), ["day 6: quarantine taken for upstream_gap, -"]);
    assert_eq!(quarantines(&world), [(false, 2)]);
    assert_eq!(world.version().1, 1);
}

#[test]
fn a_shift_of_the_labels_is_learned() {
    let mut world = World::new(
        "  - when: label_shift or concept_shift for 2 windows\n    do: retrain\n    limits: { cool_down: 3d }",
    );
    world.days(4, &well);
    world.days(16, &|event, _| event.odds += 1.5);
    // The first retraining has seen too little of the new world; the cool-down over, the second one has not.
    let story = ["day 7: retrain taken for label_shift, useless", "day 10: retrain taken for label_shift, helped"];
    assert_eq!(world.story(), story);
    assert_eq!(world.version().1, 3);
    let helped = world.actions().into_iter().find(|action| action.recovery_ms().is_some()).unwrap();
    assert!(helped.recovery_ms().unwrap() > 0);
}

#[test]
fn late_and_repeated_labels_change_nothing() {
    let mut world = World::new(EVERYTHING);
    world.days(4, &well);
    world.labels_told = 3;
    world.days(4, &well);
    world.labels_told = 1;
    world.labels_late = 4;
    world.days(6, &well);
    world.labels_late = 0;
    world.days(4, &well);
    assert!(world.actions().is_empty(), "{:#?}", world.actions());
}

#[test]
fn a_jump_of_the_clock_is_no_trouble_of_the_model() {
    let mut world = World::new(EVERYTHING);
    world.days(6, &well);
    world.sleep(12);
    world.days(6, &well);
    assert_eq!(world.version().1, 1);
    assert!(world.story().iter().all(|line| line.contains("upstream_gap")), "{:#?}", world.story());
    assert!(quarantines(&world).iter().all(|(open, _)| !open), "what came since is sound");
}

#[test]
fn a_version_that_fails_a_blocking_check_never_reaches_training() {
    let mut world = World::new("  - every: 300d\n    do: retrain");
    let permit = identity::local_user().unwrap().edit();
    let file = |severity: &str| {
        let checks =
            format!("label_delay: 1d, checks: [{{ in_set: {{ column: site, values: [north, west]{severity} }} }}] }}");
        LOOP_FILE
            .replace("name: late", "name: checked")
            .replace("label_delay: 1d }", &checks)
            .replace("@window", "window: 1d")
            .replace("@remedies", "  - every: 300d\n    do: retrain")
    };
    let trained = |world: &World| {
        world.platform.db.read(|tx| packages::find(tx, &permit.read(), "checked", 1)).unwrap().is_some()
    };
    let error = apply(&world.platform, &permit, &file("")).unwrap_err();
    assert_eq!(error.code(), ErrorCode::CheckFailed, "{error}");
    world.settle();
    assert!(!trained(&world));
    let read = permit.read();
    let version = world.platform.datasets.named(&read, "rows").unwrap();
    let report = world.platform.datasets.reports(&read, &version.id).unwrap().remove(0);
    let failing = world.platform.datasets.failing_rows(&read, &report.id).unwrap();
    assert_eq!(failing.rows(), 100, "the first that fail are kept");
    let reason = failing.column("flyball_check").unwrap().value(0).text().unwrap();
    assert_eq!(reason, "site in {north, west}");
    assert!((0..100).all(|row| failing.column("site").unwrap().value(row).text().as_deref() == Some("south")));
    apply(&world.platform, &permit, &file(", severity: warn")).unwrap();
    world.settle();
    assert!(trained(&world), "a warning stops nothing");
}
