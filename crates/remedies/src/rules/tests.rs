use super::*;

const DAY: Duration = Duration::days(1);

fn day(day: i64) -> Timestamp {
    Timestamp(0) + Duration::days(day)
}

fn past(remedy: usize, action: Action, at: i64) -> PastAction {
    let mut past = PastAction::new("w", "l", remedy, format!("window:{at}"), day(at));
    past.action = action.as_str().to_owned();
    past.state = State::Taken;
    past.help = Some(Help::Helped);
    past.is_over = true;
    past
}

fn useless(remedy: usize, action: Action, at: i64) -> PastAction {
    PastAction { help: Some(Help::Useless), is_over: false, ..past(remedy, action, at) }
}

fn situation(past: &[PastAction], now: Timestamp) -> Situation<'_> {
    Situation { past, busy: None, pause: None, quarantined: None, environment: "production", now }
}

fn wish(action: Action, limits: &Limits) -> Wish<'_> {
    Wish { remedy: 0, action, limits, cost: 10.0, rows: Some(500) }
}

#[test]
fn cool_down_counts_and_budget_hold() {
    // The epoch began with January; day 100 is in April, 120 in May.
    let limits = Limits { per_month: Some(2), ..Limits::after(Duration::days(7)) };
    let done = [past(1, Action::Retrain, 113), past(0, Action::Retrain, 100), past(0, Action::Retrain, 92)];
    let on = |at: i64, limits: &Limits| held_back(&wish(Action::Retrain, limits), &situation(&done, day(at)));
    assert!(on(104, &limits).unwrap().contains("cool-down of 7d"));
    assert!(on(115, &limits).unwrap().contains("limit of 2 per month"));
    assert_eq!(on(121, &limits), None);
    let daily = Limits { per_day: Some(1), ..Limits::after(Duration::ZERO) };
    assert!(on(100, &daily).unwrap().contains("limit of 1 per day"));
    assert_eq!(on(101, &daily), None);
    let mut costly = done.clone();
    costly.iter_mut().for_each(|action| action.cost = 10.0);
    let spent = |budget: f64, at: i64| {
        let limits = Limits { budget: Some(budget), ..Limits::after(Duration::ZERO) };
        held_back(&wish(Action::Retrain, &limits), &situation(&costly, day(at)))
    };
    assert!(spent(25.0, 115).unwrap().contains("budget of 25 per month: 20 spent, 10 more needed"));
    assert_eq!(spent(30.0, 115), None);
    assert_eq!(spent(25.0, 121), None, "a new month");
}

#[test]
fn two_things_never_happen_at_once() {
    let limits = Limits::after(DAY);
    let held = |action, situation: &Situation<'_>| held_back(&wish(action, &limits), situation);
    let rollout = Busy::Rollout("the rollout of rev_1".into());
    let rolling = Situation { busy: Some(&rollout), ..situation(&[], day(5)) };
    assert!(held(Action::Rollback, &rolling).unwrap().contains("the rollout of rev_1 is under way"));
    assert_eq!(held(Action::Page, &rolling), None);
    let training = Situation { busy: Some(&Busy::Training), ..situation(&[], day(5)) };
    assert!(held(Action::Retrain, &training).is_some() && held(Action::Promote, &training).is_some());
    assert_eq!(held(Action::Rollback, &training), None, "what serves is mended meanwhile");
    let other = [past(1, Action::Fallback, 5)];
    assert!(held(Action::Rollback, &situation(&other, day(5))).unwrap().contains("remedy 2 acts at this moment"));
}

#[test]
fn switches_samples_places_and_quarantine_hold() {
    let limits = Limits { min_rows: Some(1000), environments: vec!["staging".parse().unwrap()], ..Limits::after(DAY) };
    let pause = Pause { loop_name: None, at: day(3), by: "user:local".into(), reason: "a release".into() };
    let paused = Situation { pause: Some(&pause), ..situation(&[], day(5)) };
    let reason = held_back(&wish(Action::Page, &limits), &paused).unwrap();
    assert!(reason.starts_with("all remedies are paused since") && reason.ends_with("by user:local: a release"));
    let elsewhere = held_back(&wish(Action::Rollback, &limits), &situation(&[], day(5)));
    assert_eq!(elsewhere.unwrap(), "it does not act in production");
    let there = Situation { environment: "staging", ..situation(&[], day(5)) };
    assert!(held_back(&wish(Action::Rollback, &limits), &there).unwrap().contains("500 rows are too few"));
    let scheduled = Wish { rows: None, ..wish(Action::Rollback, &limits) };
    assert_eq!(held_back(&scheduled, &there), None);
    let quarantined = Situation { quarantined: Some(day(4)), ..there };
    assert!(held_back(&Wish { action: Action::Retrain, ..scheduled }, &quarantined).unwrap().contains("quarantine"));
    assert_eq!(held_back(&scheduled, &quarantined), None);
}

#[test]
fn steps_escalate_and_end() {
    let steps = [Action::Fallback, Action::Rollback, Action::Retrain];
    let next = |past: &[PastAction], now: i64| next_step(0, &steps, 5, past, DAY, day(now));
    assert_eq!(next(&[], 0), Step::Take(Action::Fallback));
    let pending = PastAction { help: None, ..useless(0, Action::Fallback, 10) };
    assert!(matches!(next(&[pending], 11), Step::Hold(why) if why.contains("whether fallback of")));
    let first = useless(0, Action::Fallback, 10);
    assert_eq!(next(&[first.clone()], 12), Step::Take(Action::Rollback));
    assert_eq!(next(&[useless(1, Action::Fallback, 10)], 12), Step::Take(Action::Fallback), "another remedy");
    let second = useless(0, Action::Rollback, 12);
    assert_eq!(next(&[second.clone(), first.clone()], 14), Step::Take(Action::Retrain));
    assert_eq!(next(&[past(0, Action::Fallback, 10)], 12), Step::Take(Action::Fallback), "it helped, so it is new");
    // A retraining learns from newer data each time; it may be tried again until the limit.
    let third = useless(0, Action::Retrain, 14);
    let tried = [third.clone(), second.clone(), first.clone()];
    assert_eq!(next(&tried, 30), Step::Take(Action::Retrain));
    let all = [useless(0, Action::Retrain, 16), useless(0, Action::Retrain, 15), third, second, first];
    let Step::GiveUp { why, last } = next(&all, 30) else { panic!("it goes on") };
    assert_eq!((why.as_str(), last), ("5 actions did not help", all[0].id.clone()));
    let only = [useless(0, Action::Rollback, 3)];
    let once = next_step(0, &[Action::Rollback], 5, &only, DAY, day(9));
    assert!(matches!(once, Step::GiveUp { why, .. } if why == "none of its 1 steps helped"));
}

#[test]
fn the_next_step_waits_for_no_cool_down_and_a_repetition_does() {
    let limits = Limits::after(Duration::days(7));
    let done = [useless(0, Action::Fallback, 10)];
    assert_eq!(held_back(&wish(Action::Rollback, &limits), &situation(&done, day(11))), None);
    let again = [useless(0, Action::Retrain, 10)];
    assert!(held_back(&wish(Action::Retrain, &limits), &situation(&again, day(11))).is_some());
}

#[test]
fn what_comes_and_goes_is_not_chased() {
    let done = [past(0, Action::Rollback, 8), past(0, Action::Rollback, 5), past(0, Action::Rollback, 2)];
    let next = |now| next_step(0, &[Action::Rollback], 3, &done, DAY, day(now));
    assert!(matches!(next(9), Step::GiveUp { why, .. } if why == "it acted 3 times within 10 windows"));
    assert_eq!(next(12), Step::Take(Action::Rollback), "the first is out of sight");
    let pages = [past(0, Action::Page, 8), past(0, Action::Page, 7), past(0, Action::Page, 6)];
    assert_eq!(next_step(0, &[Action::Page], 3, &pages, DAY, day(9)), Step::Take(Action::Page));
}

#[test]
fn approval_is_by_risk_and_expires() {
    let asks = |risk| Limits { approval: Some(risk), ..Limits::after(DAY) };
    let waits = |risk| Action::ALL.iter().copied().filter(|a| needs_approval(*a, &asks(risk))).collect::<Vec<_>>();
    assert_eq!(waits(Risk::High), [Action::Retrain, Action::Promote]);
    assert_eq!(waits(Risk::Medium), [Action::Retrain, Action::Rollback, Action::Fallback, Action::Promote]);
    assert!(!waits(Risk::Low).contains(&Action::Page) && waits(Risk::Low).len() == 7);
    assert!(!needs_approval(Action::Promote, &Limits::after(DAY)));
    let waiting = PastAction { state: State::Waiting, expires_at: Some(day(2)), ..past(0, Action::Retrain, 1) };
    assert_eq!((waiting.state_at(day(1)), waiting.state_at(day(2))), (State::Waiting, State::Expired));
    let steps = [Action::Retrain];
    let next = |now| next_step(0, &steps, 3, std::slice::from_ref(&waiting), DAY, now);
    assert!(matches!(next(day(1)), Step::Hold(why) if why.contains("waits for approval")));
    assert_eq!(next(day(3)), Step::Take(Action::Retrain));
}
