//! The record of remedies, on both databases.

#![expect(clippy::unwrap_used, reason = "tests")]

use flyball_core::{Duration, Edit, ErrorCode, Permit, Timestamp};
use flyball_governance::{audit, identity};
use flyball_remedies::{Help, PastAction, State, pause, quarantine, store};
use flyball_testkit::on_both;
use serde_json::json;

const START: Timestamp = Timestamp(1_000_000);

fn permit() -> Permit<Edit> {
    identity::local_user().unwrap().edit()
}

fn action(cause: &str, state: State) -> PastAction {
    let mut action = PastAction::new(permit().workspace().as_str(), "late", 0, cause.to_owned(), START);
    action.action = "rollback".to_owned();
    action.state = state;
    action.reason = "error_rate > 1%".to_owned();
    action.evidence = json!({ "error_rate": 0.2 });
    action.diagnosis = json!([{ "kind": "failing_model" }]);
    action.trouble_at = Some(Timestamp(900_000));
    action.cost = 2.5;
    action.effect = json!({ "from": "rev_2", "to": "rev_1" });
    action
}

#[test]
fn a_call_is_answered_once_and_its_outcome_is_kept() {
    on_both(|db| {
        let permit = permit();
        db.write({
            let permit = permit.clone();
            move |tx| {
                assert!(store::record(tx, &permit, &action("window:1", State::Taken))?);
                assert!(!store::record(tx, &permit, &action("window:1", State::Held))?, "the same window again");
                let kept = store::since(tx, &permit.read(), "late", Timestamp(0))?;
                assert_eq!(kept, [action("window:1", State::Taken)]);
                store::judge(tx, &permit, &kept[0], Help::Helped, START, START + Duration::days(1))?;
                store::judge(tx, &permit, &kept[0], Help::Useless, START, START + Duration::days(2))?;
                store::end_trouble(tx, &permit, "late", 0)
            }
        })
        .unwrap();
        let permit = permit.read();
        let kept = db.read(|tx| store::newest(tx, &permit, None, 10)).unwrap().remove(0);
        assert_eq!((kept.help, kept.recovery_ms(), kept.is_over), (Some(Help::Helped), Some(100_000), true));
        assert_eq!(db.read(|tx| store::get(tx, &permit, &kept.id)).unwrap(), kept);
        let missing = db.read(|tx| store::get(tx, &permit, "act_0")).unwrap_err();
        assert_eq!(missing.code(), ErrorCode::NotFound);
        let told: Vec<String> =
            db.read(|tx| audit::since(tx, 0, 10)).unwrap().into_iter().map(|e| e.event.action).collect();
        assert_eq!(told[0], "remedy.rollback");
        assert!(told.contains(&"remedy.judge".to_owned()));
    });
}

#[test]
fn what_waits_is_decided_once_or_expires() {
    on_both(|db| {
        let permit = permit();
        let mut waiting = action("window:2", State::Waiting);
        waiting.expires_at = Some(START + Duration::days(1));
        let wanted = waiting.clone();
        db.write({
            let permit = permit.clone();
            move |tx| {
                store::record(tx, &permit, &wanted)?;
                let seen = |tx: &mut flyball_store::Tx<'_>, at| store::waiting(tx, &permit.read(), None, at);
                assert_eq!(seen(tx, START)?.len(), 1);
                assert_eq!(seen(tx, START + Duration::days(1))?.len(), 0);
                assert_eq!(store::overdue(tx, &permit.read(), "late", START)?.len(), 0);
                assert_eq!(store::overdue(tx, &permit.read(), "late", START + Duration::days(1))?.len(), 1);
                let decided = PastAction {
                    state: State::Denied,
                    decided_by: Some("user:local".into()),
                    decided_at: Some(START),
                    ..wanted.clone()
                };
                store::decide(tx, &permit, &decided, START)?;
                let late = PastAction { state: State::Taken, ..decided.clone() };
                store::decide(tx, &permit, &late, START)?;
                assert_eq!(store::get(tx, &permit.read(), &wanted.id)?, decided, "the first word counts");
                Ok(())
            }
        })
        .unwrap();
    });
}

#[test]
fn pauses_hold_one_loop_or_all_and_resuming_forgives() {
    on_both(|db| {
        let permit = permit();
        db.write(move |tx| {
            let reader = permit.read();
            store::record(tx, &permit, &action("window:1", State::Taken))?;
            pause::pause(tx, &permit, Some("late"), "a release", START)?;
            pause::pause(tx, &permit, Some("late"), "again", START + Duration::days(1))?;
            let held = pause::of(tx, &reader, "late")?.unwrap();
            assert_eq!((held.reason.as_str(), held.at), ("a release", START));
            assert_eq!(pause::of(tx, &reader, "other")?, None);
            pause::pause(tx, &permit, None, "", START)?;
            assert_eq!(pause::of(tx, &reader, "late")?.unwrap().loop_name, None, "that of all loops is told first");
            assert!(pause::of(tx, &reader, "other")?.is_some());
            assert_eq!(pause::all(tx, &reader)?.len(), 2);
            assert_eq!(store::counted(tx, &reader, "late", Timestamp(0))?.len(), 1);
            pause::resume(tx, &permit, Some("other"), "", START)?;
            assert_eq!(store::counted(tx, &reader, "late", Timestamp(0))?.len(), 1);
            pause::resume(tx, &permit, None, "", START)?;
            assert_eq!(store::counted(tx, &reader, "late", Timestamp(0))?.len(), 0);
            assert_eq!(store::since(tx, &reader, "late", Timestamp(0))?.len(), 1, "nothing is lost");
            pause::resume(tx, &permit, Some("late"), "", START)?;
            assert!(pause::all(tx, &reader)?.is_empty());
            Ok(())
        })
        .unwrap();
    });
}

#[test]
fn a_quarantine_has_one_open_end() {
    on_both(|db| {
        let permit = permit();
        db.write(move |tx| {
            let (reader, later) = (permit.read(), START + Duration::days(2));
            assert!(!quarantine::close(tx, &permit, "late", later, "", START)?);
            quarantine::open(tx, &permit, "late", START, "temperature is missing", START)?;
            quarantine::open(tx, &permit, "late", later, "wind is missing", START)?;
            let open = quarantine::current(tx, &reader, "late")?.unwrap();
            assert_eq!((open.from, open.reason.as_str()), (START, "temperature is missing"));
            assert!(open.holds(START) && open.holds(later) && !open.holds(Timestamp(0)));
            assert!(quarantine::close(tx, &permit, "late", later, "sound again", START)?);
            let closed = quarantine::all(tx, &reader, "late")?;
            assert!(closed.len() == 1 && closed[0].holds(START) && !closed[0].holds(later));
            assert_eq!(quarantine::current(tx, &reader, "late")?, None);
            Ok(())
        })
        .unwrap();
    });
}
