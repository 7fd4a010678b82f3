//! Faults of models: they fail, they are slow, they are worse than the one before.

use flyball_core::Duration;
use flyball_remedies::State;

use crate::broken::Fault;
use crate::world::{World, well};

/// A second version serves, made by a schedule; the first one is there to go back to.
fn two_versions(remedies: &str) -> World {
    let mut world = World::new(&format!("  - every: 10d\n    do: retrain\n{remedies}"));
    world.days(10, &well);
    assert_eq!(world.version().1, 2);
    world
}

const SERVING: &str = "  - when: error_rate > 5% or latency_p99_ms > 50
    do: [rollback, fallback]
    limits: { cool_down: 1h }";

#[test]
fn a_failing_model_is_gone_back_from_within_seconds() {
    let mut world = two_versions(SERVING);
    assert_eq!(world.traffic(30, 40), None);
    world.fault(2, Some(Fault::Failing));
    let acted = world.traffic(60, 40).unwrap();
    assert!(acted <= 20, "{acted} s");
    assert_eq!(world.version().1, 1);
    let action = world.actions().pop().unwrap();
    assert_eq!(action.diagnosis[0]["kind"], "failing_model");
    assert_eq!((action.effect["from_version"].as_i64(), action.effect["to_version"].as_i64()), (Some(2), Some(1)));
    assert_eq!(action.help.map(|help| help.as_str()), Some("helped"), "{action:#?}");
    let recovery = action.recovery_ms().unwrap();
    assert!((5_000..=20_000).contains(&recovery), "{recovery} ms");
    assert_eq!(world.traffic(60, 40), None, "and that is all");
}

#[test]
fn a_rollback_takes_no_longer_than_a_short_window_and_five_seconds() {
    let mut world = World::with("window: 1m", &format!("  - every: 20m\n    do: retrain\n{SERVING}"));
    // A few minutes more of history make another model.
    assert_eq!(world.traffic(20 * 60 + 5, 2), None);
    assert_eq!(world.version().1, 2);
    world.fault(2, Some(Fault::Failing));
    let acted = world.traffic(90, 30).unwrap();
    assert!(acted <= 65, "{acted} s");
    assert_eq!(world.version().1, 1);
    assert!(world.story().last().unwrap().contains("rollback taken for failing_model, helped"), "{:#?}", world.story());
}

#[test]
fn a_slow_model_is_gone_back_from_within_seconds() {
    let mut world = two_versions(SERVING);
    assert_eq!(world.traffic(30, 20), None);
    world.fault(2, Some(Fault::Slow(Duration::millis(80))));
    let acted = world.traffic(60, 10).unwrap();
    assert!(acted <= 40, "{acted} s");
    assert_eq!(world.version().1, 1);
    let action = world.actions().pop().unwrap();
    assert_eq!(action.diagnosis[0]["kind"], "slow_model");
    assert!(action.evidence["latency_p99_ms"].as_f64().unwrap() >= 80.0);
}

#[test]
fn what_does_not_help_is_followed_by_the_next_step_and_then_by_a_person() {
    let mut world = two_versions(SERVING);
    world.fault(1, Some(Fault::Failing));
    world.fault(2, Some(Fault::Failing));
    world.traffic(60, 40);
    // The fallback is a linear model as well, and broken with the second version.
    let steps = ["rollback taken for failing_model, useless", "fallback taken for failing_model, useless"];
    let last = ["page taken for failing_model, -"];
    let story: Vec<String> = world.story().into_iter().skip(1).collect();
    let told: Vec<&str> = story.iter().filter_map(|line| line.split_once(": ")).map(|(_, what)| what).collect();
    assert_eq!(told, [&steps[..], &last[..]].concat());
    let held = world.actions().into_iter().rfind(|action| action.state == State::Held).unwrap();
    assert!(held.reason.contains("it has given up: 2 actions did not help") || held.reason.contains("steps helped"));
}

#[test]
fn a_challenger_that_is_worse_is_gone_back_from() {
    let mut world = two_versions("  - when: auc < reference.auc - 0.1\n    do: rollback");
    world.fault(2, Some(Fault::Inverted));
    world.days(5, &well);
    let story = world.story();
    assert_eq!(story, ["day 10: retrain taken for -, -", "day 12: rollback taken for bad_challenger, helped"]);
    assert_eq!(world.version().1, 1);
}

#[test]
fn what_comes_and_goes_is_not_chased_for_ever() {
    let mut world = two_versions("  - when: latency_p99_ms > 50\n    do: scale_up\n    limits: { cool_down: 0s }");
    for _ in 0..8 {
        world.fault(2, Some(Fault::Slow(Duration::millis(80))));
        world.traffic(30, 10);
        world.fault(2, None);
        world.traffic(30, 20);
    }
    let story: Vec<String> = world.story().into_iter().skip(1).collect();
    let count = |word: &str| story.iter().filter(|line| line.contains(word)).count();
    assert_eq!((count("scale_up taken"), count("page taken")), (3, 1), "{story:#?}");
    let live = world.platform.serving.endpoint(crate::world::LOOP).unwrap();
    assert_eq!(live.endpoint.settings.max_concurrency, Some(32), "4, doubled three times");
}
