//! What holds remedies: a switch, a person, a dry run.

use flyball_core::{Duration, ErrorCode};
use flyball_governance::identity;
use flyball_loops::remedy::{Decision, decide, plan, release};
use flyball_remedies::{State, pause};

use crate::world::{LOOP, World, well};

const DATA: &str = "  - when: missing(temperature) > 20%\n    do: retrain\n";

fn missing(event: &mut crate::world::Event, _: &mut flyball_core::rng::Rng) {
    event.temperature = f64::NAN;
}

/// A shift that only a retraining mends.
fn shifted(event: &mut crate::world::Event, _: &mut flyball_core::rng::Rng) {
    event.wind += 12.0;
}

#[test]
fn a_dry_run_says_what_it_would_do_and_does_nothing() {
    let mut world = World::new("  - when: drift\n    do: retrain\n    dry_run: true\n");
    world.days(3, &well);
    world.days(3, &shifted);
    let actions = world.actions();
    assert!(actions.iter().all(|action| action.state != State::Taken), "{actions:#?}");
    let dry: Vec<_> = actions.iter().filter(|action| action.state == State::DryRun).collect();
    assert!(dry.len() >= 2 && dry[0].reason.starts_with("would retrain: drift"), "{actions:#?}");
    assert_eq!((world.version().1, world.rollouts()), (1, 1));
}

#[test]
fn a_person_approves_or_refuses_or_lets_it_expire() {
    let mut world = World::new(
        "  - when: drift\n    do: retrain\n    limits: { cool_down: 0s, approval: high, approval_within: 20h }\n",
    );
    let permit = identity::local_user().unwrap().edit();
    world.days(3, &well);
    world.day(&shifted);
    let waiting = world.actions().pop().unwrap();
    assert_eq!(waiting.state, State::Waiting);
    let shown = plan(&world.platform, &permit.read(), LOOP).unwrap();
    assert!(shown.remedies[0].held.as_deref().unwrap().contains("waits for approval"), "{shown:#?}");
    let refused = decide(&world.platform, &permit, &waiting.id, Decision::Deny, "not before the release").unwrap();
    assert_eq!((refused.state, refused.decided_by.as_deref()), (State::Denied, Some(permit.actor())));
    let again = decide(&world.platform, &permit, &waiting.id, Decision::Approve, "").unwrap_err();
    assert_eq!(again.code(), ErrorCode::Conflict);
    world.day(&shifted);
    world.day(&shifted);
    let states: Vec<State> = world.actions().iter().map(|action| action.state).collect();
    assert_eq!(states, [State::Denied, State::Expired, State::Waiting]);
    let last = world.actions().pop().unwrap();
    let approved = decide(&world.platform, &permit, &last.id, Decision::Approve, "").unwrap();
    assert_eq!(approved.state, State::Taken);
    world.settle();
    assert_eq!(world.version().1, 2, "it was done");
}

#[test]
fn the_switch_stops_everything() {
    let mut world = World::new("  - when: drift\n    do: retrain\n");
    let permit = identity::local_user().unwrap().edit();
    world.days(3, &well);
    let now = world.platform.clock.now();
    let by = permit.clone();
    world.platform.db.write(move |tx| pause::pause(tx, &by, None, "a release", now)).unwrap();
    world.days(2, &shifted);
    let held = world.actions().pop().unwrap();
    assert!(held.state == State::Held && held.reason.contains("all remedies are paused"), "{held:#?}");
    let now = world.platform.clock.now();
    world.platform.db.write(move |tx| pause::resume(tx, &permit, None, "", now)).unwrap();
    world.day(&shifted);
    assert_eq!(world.version().1, 2);
}

#[test]
fn a_retraining_on_faulty_data_becomes_a_quarantine_until_a_person_releases_it() {
    let mut world = World::new(DATA);
    let permit = identity::local_user().unwrap().edit();
    world.days(3, &well);
    world.days(2, &missing);
    let first = &world.actions()[0];
    assert_eq!((first.action.as_str(), first.state), ("quarantine", State::Taken));
    let second = world.actions().pop().unwrap();
    assert!(second.reason.contains("in quarantine"), "{}", second.reason);
    assert_eq!(world.version().1, 1);
    release(&world.platform, &permit, LOOP, "it is meant to be so").unwrap();
    assert_eq!(release(&world.platform, &permit, LOOP, "").unwrap_err().code(), ErrorCode::NotFound);
    let shown = plan(&world.platform, &permit.read(), LOOP).unwrap();
    assert_eq!(shown.quarantines.len(), 1);
    assert!(shown.quarantines[0].to.is_some_and(|to| to - shown.quarantines[0].from > Duration::days(1)));
}
