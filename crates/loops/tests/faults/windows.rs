//! What a window shows of rows that belong together, of how the model reasons, and of what changed only together; windows
//! that cannot be judged; and how often a window makes a remedy act.

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use flyball_core::ErrorCode;
use flyball_core::rng::Rng;
use flyball_governance::identity;
use flyball_loops::status::{self, StageState};
use flyball_monitoring::WindowReport;
use flyball_monitoring::alert::AlertKind;
use flyball_monitoring::diagnosis::CauseKind;
use flyball_remedies::State;

use crate::world::{Event, World, well};

/// A remedy that never acts.
const NOTHING: &str = "  - when: rows > 1000000\n    do: page";

fn alarms(window: &WindowReport) -> Vec<&str> {
    window.drifted().iter().map(|column| column.column.as_str()).collect()
}

/// Days of sessions, each of 20 equal requests with one key.
fn sessions(world: &mut World, days: usize, shift: f64) {
    let (count, last) = (Cell::new(0_usize), RefCell::new(None::<Event>));
    world.per_key = 20;
    world.days(days, &|event, _: &mut Rng| {
        let place = count.replace(count.get() + 1) % 20;
        let mut last = last.borrow_mut();
        match last.as_ref().filter(|_| place > 0) {
            Some(first) => *event = first.clone(),
            None => {
                event.wind += shift;
                *last = Some(event.clone());
            }
        }
    });
}

#[test]
fn sessions_of_equal_rows_are_no_drift_where_the_file_says_that_they_belong_together() {
    let mut world = World::with("window: 1d\n  drift: { rows_of: id }", NOTHING);
    sessions(&mut world, 6, 0.0);
    let calm = world.windows();
    assert!(
        calm.iter().filter(|window| window.drift).count() <= 1,
        "{:?}",
        calm.iter().map(alarms).collect::<Vec<_>>()
    );
    for window in &calm {
        let grouped = window.grouped.as_ref().unwrap();
        assert_eq!((grouped.column.as_str(), grouped.groups), ("id", 30));
    }
    sessions(&mut world, 2, 9.0);
    assert!(alarms(world.windows().last().unwrap()).contains(&"wind"), "a true shift is seen");

    let mut alone = World::new(NOTHING);
    sessions(&mut alone, 6, 0.0);
    let drifted = alone.windows().iter().filter(|window| window.drift).count();
    assert!(drifted >= 4, "as independent rows they look like drift in {drifted} of 6 windows");
    assert!(alone.windows().iter().all(|window| window.grouped.is_none()));
}

#[test]
fn three_groups_say_too_little_about_anything() {
    let mut world = World::with("window: 1d\n  drift: { rows_of: site }", NOTHING);
    world.days(2, &|event, _| event.wind += 9.0);
    let window = world.windows().pop().unwrap();
    assert_eq!(window.grouped.as_ref().map(|grouped| grouped.groups), Some(3));
    assert!(!window.drift && window.columns.iter().all(|column| column.adjusted_p.is_none()), "{window:#?}");
}

#[test]
fn drift_tells_how_the_model_reasons_and_what_matters_comes_first() {
    let mut world = World::new(NOTHING);
    world.days(3, &well);
    for calm in world.windows() {
        assert!(calm.attributions.is_none() && calm.told_apart.is_none_or(|told| told.features.is_empty()));
    }
    world.days(1, &|event, _| event.wind = 10.0 + (event.wind - 10.0) * 6.0);
    let first = world.windows().pop().unwrap();
    let reasoning = first.attributions.clone().unwrap();
    assert_eq!((reasoning.rows, reasoning.changed[0].feature.as_str()), (200, "wind"), "{reasoning:#?}");
    let wind = &reasoning.changed[0];
    assert!(wind.after > wind.before + 0.2 && wind.low > 0.0 && reasoning.jensen_shannon > 0.1, "{reasoning:#?}");
    let cause = first.causes.iter().find(|cause| cause.column.as_deref() == Some("wind")).unwrap();
    assert!(cause.evidence.contains("its part in the answers was"), "{cause:?}");
    world.day(&well);
    let windows = world.windows();
    let again = windows.iter().find(|window| window.from == first.from).unwrap();
    assert!(!first.labels_due && again.labels_due, "it was judged twice");
    assert_eq!((&again.attributions, &again.causes), (&first.attributions, &first.causes));
}

#[test]
fn what_changed_only_together_is_told_by_its_features() {
    let mut world = World::new(NOTHING);
    world.days(2, &well);
    // Each as before, but the wind goes with the temperature now.
    world.day(&|event, _| event.wind = 10.0 + (event.temperature - 60.0) / 4.0);
    let window = world.windows().pop().unwrap();
    assert!(window.together.unwrap().outside && ["prediction"].starts_with(&alarms(&window)));
    let told = window.told_apart.as_ref().unwrap();
    assert!(told.low > 0.6 && told.low < told.auc && told.auc < told.high && told.rows == 600, "{told:?}");
    let named: BTreeSet<&str> = told.features.iter().map(|(name, _)| name.as_str()).collect();
    assert!(named.is_superset(&["temperature", "wind"].into()), "{told:?}");
    assert_eq!(window.causes[0].kind, CauseKind::CovariateShift);
}

#[test]
fn a_monitor_of_columns_that_are_not_recorded_is_refused_when_it_is_applied() {
    let world = World::new(NOTHING);
    for (section, place) in [
        ("drift: { rows_of: session }", "monitor.drift.rows_of: 'session'"),
        ("fairness: { by: [gender] }", "monitor.fairness.by: the column 'gender'"),
        ("segments: [site, late]", "monitor.segments: the column 'late'"),
    ] {
        let error = world.apply(&format!("window: 1d\n  {section}"), NOTHING).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidLoopFile, "{section}");
        assert!(error.to_string().starts_with(place), "{error}");
        assert!(error.next_step().unwrap().contains("temperature, wind, site"), "{:?}", error.next_step());
    }
    let condition = world.apply("window: 1d\n  segments: [{ name: windy, where: 'wind > 3' }]", NOTHING);
    assert!(condition.unwrap_err().to_string().contains("segment windy"), "conditions are tried");
    for section in ["drift: { rows_of: id }", "drift: { rows_of: key }", "fairness: { by: [site] }\n  segments: [site]"]
    {
        world.apply(&format!("window: 1d\n  {section}"), NOTHING).unwrap();
    }
}

#[test]
fn a_window_that_cannot_be_judged_is_told_and_judged_later() {
    let mut world = World::new(NOTHING);
    world.days(2, &well);
    world.losing = true;
    world.days(4, &well);
    let told = world.firing(AlertKind::Monitor);
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("cannot be judged"), "{told:?}");
    assert_eq!(world.windows().len(), 2, "none of them is judged");
    let permit = identity::local_user().unwrap().edit().read();
    let status = status::all(&world.platform, &permit).unwrap().remove(0);
    let stage = status.stages.iter().find(|stage| stage.name == "monitor").unwrap();
    assert!(stage.state == StageState::Attention && status.next_window.is_some(), "{status:#?}");
    world.find();
    world.days(3, &well);
    let windows = world.windows();
    assert!(windows.len() >= 8 && windows.windows(2).all(|pair| pair[0].to == pair[1].from), "none is left out");
    assert!(windows.iter().all(|window| window.rows == 600 && window.note.is_none()));
    assert!(world.firing(AlertKind::Monitor).is_empty());
}

#[test]
fn a_window_makes_a_remedy_act_once_however_often_it_is_judged() {
    // Labels are due while the window is still the newest one, which is then judged again.
    let remedies = "  - when: drift\n    do: page\n    limits: { cool_down: 0s }
  - when: auc < reference.auc - 0.1\n    do: page\n    limits: { cool_down: 0s }
  - when: data_fault\n    do: page\n    limits: { cool_down: 0s }";
    let mut world = World::with("window: 2d", remedies);
    world.days(4, &well);
    world.days(6, &|event, rng| {
        event.odds = if event.temperature > 60.0 { -3.0 } else { 3.0 };
        event.wind = if rng.unit() < 0.5 { f64::NAN } else { event.wind + 9.0 };
    });
    world.days(2, &well);
    let twice = world.windows().iter().filter(|window| window.labels_due).count();
    assert!(twice >= 5, "{twice} windows were judged twice");
    let taken: Vec<_> = world.actions().into_iter().filter(|action| action.state == State::Taken).collect();
    let calls: BTreeSet<(usize, String)> = taken
        .iter()
        .map(|action| (action.remedy, action.evidence["window"].as_str().unwrap_or_default().to_owned()))
        .collect();
    assert_eq!(calls.len(), taken.len(), "{taken:#?}");
    // What needs no labels acts when the window ends; what needs them a day later, when they are due.
    let windows = world.windows();
    let waited = |remedy: usize| -> BTreeSet<i64> {
        let of = taken.iter().filter(|action| action.remedy == remedy);
        let end = |from: &str| windows.iter().find(|window| window.from.to_string() == from).unwrap().to;
        of.map(|action| (action.at - end(action.evidence["window"].as_str().unwrap())).0 / 3_600_000).collect()
    };
    assert_eq!([waited(0), waited(1), waited(2)], [[0].into(), [24].into(), [0].into()], "{taken:#?}");
}

#[test]
fn labels_that_never_come_and_ids_that_repeat_give_no_wrong_number() {
    let mut world = World::new(crate::EVERYTHING);
    world.days(4, &well);
    world.labels_late = 1_000;
    world.days(6, &well);
    let unlabelled: Vec<WindowReport> = world.windows().into_iter().filter(|window| window.labelled == 0).collect();
    assert!(unlabelled.iter().filter(|window| window.labels_due).count() >= 5);
    for window in &unlabelled {
        assert!(window.performance.is_empty() && window.estimated.contains_key("auc") && window.note.is_none());
    }
    assert!(world.actions().is_empty(), "{:#?}", world.actions());

    let mut world = World::new(NOTHING);
    world.per_key = 5;
    world.days(4, &well);
    let due: Vec<WindowReport> = world.windows().into_iter().filter(|window| window.labels_due).collect();
    assert!(due.len() >= 3);
    for window in &due {
        assert_eq!((window.rows, window.labelled), (600, 600), "each row has what its key last told");
        assert!(window.performance["auc"].value.is_finite() && !window.drift);
    }
}

#[test]
fn a_window_is_judged_again_by_what_it_was_judged_by_first() {
    let mut world = World::new("  - every: 3d\n    do: retrain");
    world.days(6, &well);
    assert!(world.version().1 >= 2, "another version serves by now");
    let windows = world.windows();
    for window in &windows {
        let mut versions = window.versions.keys();
        if let (Some(only), None) = (versions.next(), versions.next()) {
            assert_eq!(window.against.as_ref(), Some(only));
            assert!(window.labels_due || window.from == windows.last().unwrap().from, "{}", window.from);
        }
    }
    assert!(windows.iter().any(|window| window.against.as_deref() == Some("late/1")));
}
