use flyball_core::rng::Rng;

use super::*;

const HOUR: i64 = 3_600_000;
const RHYTHM: Rhythm =
    Rhythm { after: Duration::ZERO, repeat: Duration::hours(24), refresh: None, cool_down: Duration::hours(3) };

fn at(hours: i64) -> Timestamp {
    Timestamp(hours * HOUR)
}

fn firing(id: &str, since: i64) -> Member<'_> {
    Member { id, state: AlertState::Firing, fired_at: at(since), quiet_until: None }
}

fn told(event: Event, hours: i64, alerts: &[&str]) -> Told {
    Told { number: 1, event, at: at(hours), alerts: alerts.iter().map(|id| (*id).to_owned()).collect() }
}

fn decided(members: &[Member<'_>], last: Option<Told>, rhythm: Rhythm, hours: i64) -> (Option<Event>, Option<i64>) {
    let next = next(members, last.as_ref(), rhythm, at(hours));
    (next.tell, next.look.map(|look| look.0 / HOUR))
}

#[test]
fn a_route_is_told_once_again_after_a_while_and_at_the_end() {
    use Event::{Acknowledge, Resolve, Trigger};
    let a = firing("a", 0);
    assert_eq!(decided(&[], None, RHYTHM, 0), (None, None));
    assert_eq!(decided(&[a], None, RHYTHM, 0), (Some(Trigger), Some(24)));
    assert_eq!(decided(&[a], Some(told(Trigger, 0, &["a"])), RHYTHM, 1), (None, Some(24)));
    assert_eq!(decided(&[a], Some(told(Trigger, 0, &["a"])), RHYTHM, 24), (Some(Trigger), Some(48)));
    assert_eq!(decided(&[a, firing("b", 5)], Some(told(Trigger, 0, &["a"])), RHYTHM, 5).0, Some(Trigger), "one more");
    assert_eq!(decided(&[], Some(told(Trigger, 0, &["a"])), RHYTHM, 7), (Some(Resolve), None));
    assert_eq!(decided(&[], Some(told(Resolve, 7, &["a"])), RHYTHM, 8), (None, None));
    let taken = Member { state: AlertState::Acknowledged, ..a };
    assert_eq!(decided(&[taken], Some(told(Trigger, 0, &["a"])), RHYTHM, 2), (Some(Acknowledge), None));
    assert_eq!(decided(&[taken], Some(told(Acknowledge, 2, &["a"])), RHYTHM, 90), (None, None));
    assert_eq!(decided(&[taken, firing("b", 3)], Some(told(Acknowledge, 2, &["a"])), RHYTHM, 3).0, Some(Trigger));
    assert_eq!(decided(&[taken], None, RHYTHM, 2), (None, None), "who was not told need not know that it is in hand");
}

#[test]
fn flapping_silence_and_escalation_hold_back() {
    use Event::{Acknowledge, Resolve, Trigger};
    let again = firing("b", 8);
    assert_eq!(decided(&[again], Some(told(Resolve, 7, &["a"])), RHYTHM, 8), (None, Some(10)));
    assert_eq!(decided(&[again], Some(told(Resolve, 7, &["a"])), RHYTHM, 10).0, Some(Trigger));
    let silenced = Member { quiet_until: Some(at(9)), ..again };
    assert_eq!(decided(&[silenced], None, RHYTHM, 8), (None, Some(9)));
    assert_eq!(decided(&[silenced], None, RHYTHM, 9).0, Some(Trigger));
    let explained = Member { quiet_until: Some(FOREVER), ..again };
    assert_eq!(decided(&[explained], None, RHYTHM, 90), (None, None));
    assert_eq!(decided(&[], Some(told(Trigger, 1, &["a"])), RHYTHM, 2).0, Some(Resolve), "an end is told in any case");
    let second = Rhythm { after: Duration::hours(2), ..RHYTHM };
    assert_eq!(decided(&[firing("a", 0)], None, second, 1), (None, Some(2)));
    assert_eq!(decided(&[firing("a", 0)], None, second, 2).0, Some(Trigger));
    let taken = Member { state: AlertState::Acknowledged, ..firing("a", 0) };
    assert_eq!(decided(&[taken], None, second, 5).0, None, "taken on in time");
    let forgetful = Rhythm { refresh: Some(Duration::hours(1)), ..RHYTHM };
    assert_eq!(decided(&[firing("a", 0)], Some(told(Trigger, 0, &["a"])), forgetful, 1), (Some(Trigger), Some(2)));
    assert_eq!(decided(&[taken], Some(told(Acknowledge, 0, &["a"])), forgetful, 1), (Some(Acknowledge), Some(2)));
}

/// Random lives of three alerts, seen by one route that looks when something happens and when it said it would.
#[test]
fn random_lives_page_once_keep_silence_and_end() {
    let mut rng = Rng::seeded(5);
    for round in 0..3000 {
        let rhythm = Rhythm {
            after: Duration::hours([0, 0, 4][rng.below(3)]),
            repeat: Duration::hours(24),
            refresh: None,
            cool_down: Duration::hours([0, 3, 9][rng.below(3)]),
        };
        let mut alerts: Vec<Option<(String, AlertState, i64)>> = vec![None; 3];
        let (mut born, mut silent_until, mut last, mut due) = (0, -1, None::<Told>, None::<i64>);
        for hour in 0..200 {
            let mut happened = due.is_some_and(|due| due <= hour);
            if hour < 150 && rng.below(4) == 0 {
                happened = true;
                let slot = rng.below(3);
                alerts[slot] = match (alerts[slot].take(), rng.below(3)) {
                    (None, _) => {
                        born += 1;
                        Some((format!("{born}"), AlertState::Firing, hour))
                    }
                    (Some(_), 0) => None,
                    (Some((id, _, since)), 1) => Some((id, AlertState::Acknowledged, since)),
                    (kept, _) => kept,
                };
                if rng.below(8) == 0 {
                    silent_until = hour + 1 + rng.below(20) as i64;
                }
            }
            if hour == 150 {
                happened = true;
                alerts.fill(None);
            }
            if !happened {
                continue;
            }
            let quiet_until = (silent_until > hour).then(|| at(silent_until));
            let members: Vec<Member<'_>> = alerts
                .iter()
                .flatten()
                .map(|(id, state, since)| Member { id, state: *state, fired_at: at(*since), quiet_until })
                .collect();
            let next = next(&members, last.as_ref(), rhythm, at(hour));
            due = next.look.map(|look| look.0 / HOUR);
            assert!(next.look.is_none_or(|look| look > at(hour)), "looks ahead ({round}, {hour})");
            let Some(event) = next.tell else { continue };
            let ids: Vec<&str> = next.about.iter().map(String::as_str).collect();
            match (event, &last) {
                (Event::Trigger, last) => {
                    assert!(quiet_until.is_none(), "silence is kept ({round}, {hour})");
                    assert!(
                        members.iter().any(|m| m.state == AlertState::Firing && m.fired_at + rhythm.after <= at(hour))
                    );
                    if let Some(Told { event: Event::Trigger, at: then, alerts, .. }) = last {
                        let news = ids.iter().any(|id| !alerts.iter().any(|known| known == id));
                        assert!(news || at(hour) >= *then + rhythm.repeat, "nobody is paged twice ({round}, {hour})");
                    }
                    if let Some(Told { event: Event::Resolve, at: then, .. }) = last {
                        assert!(at(hour) >= *then + rhythm.cool_down, "flapping is held back ({round}, {hour})");
                    }
                }
                (event, last) => {
                    assert!(last.as_ref().is_some_and(|last| last.event != event && last.event != Event::Resolve))
                }
            }
            last = Some(told(event, hour, &ids));
        }
        assert!(last.is_none_or(|last| last.event == Event::Resolve), "what was told has an end ({round})");
        assert_eq!(due, None, "and nothing is looked at any more ({round})");
    }
}
