//! The course of an alert, as pure decisions.

use flyball_core::Timestamp;

use super::model::AlertState;
use super::policy::AlertPolicy;

/// What counts of an open alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) state: AlertState,
    pub(crate) opened_at: Timestamp,
    /// When it was last looked at with a finding.
    pub(crate) seen_at: Timestamp,
    pub(crate) windows: i64,
    pub(crate) clear_windows: i64,
    pub(crate) clear_since: Option<Timestamp>,
}

/// How a finding stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    There,
    /// Neither there nor convincingly gone.
    Near,
    Gone,
}

/// What becomes of the alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// There is none, and none is needed.
    Nothing,
    /// A new one.
    Open(Standing),
    /// It stays open, with these numbers; its state may be another one.
    Go(Standing),
    /// It never fired: it is forgotten.
    Forget,
    /// It is over.
    Resolve,
}

/// The next step of the alert with this standing.
pub(crate) fn step(standing: Option<Standing>, seen: Seen, policy: &AlertPolicy, now: Timestamp) -> Step {
    let Some(old) = standing else { return opened(seen, policy, now) };
    let pending = old.state == AlertState::Pending;
    match seen {
        // The same moment again says nothing new about how long it lasts.
        Seen::There if old.seen_at >= now => Step::Go(old),
        Seen::There => {
            let windows = old.windows + 1;
            let fires = pending && policy.lasting.is_over(windows, old.opened_at, now);
            let state = if fires { AlertState::Firing } else { old.state };
            Step::Go(Standing { state, seen_at: now, windows, clear_windows: 0, clear_since: None, ..old })
        }
        Seen::Near => Step::Go(Standing { clear_windows: 0, clear_since: None, ..old }),
        Seen::Gone if pending => Step::Forget,
        Seen::Gone => {
            let since = old.clear_since.unwrap_or(now);
            // Two findings of one moment are one window.
            let clear_windows = old.clear_windows + i64::from(old.clear_since.is_none_or(|since| since < now));
            if policy.clear.is_over(clear_windows, since, now) {
                return Step::Resolve;
            }
            Step::Go(Standing { windows: 0, clear_windows, clear_since: Some(since), ..old })
        }
    }
}

fn opened(seen: Seen, policy: &AlertPolicy, now: Timestamp) -> Step {
    if seen != Seen::There {
        return Step::Nothing;
    }
    let fires = policy.lasting.is_over(1, now, now);
    let state = if fires { AlertState::Firing } else { AlertState::Pending };
    Step::Open(Standing { state, opened_at: now, seen_at: now, windows: 1, clear_windows: 0, clear_since: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::policy::Patience;
    use flyball_core::Duration;
    use flyball_core::rng::Rng;

    /// Plays sightings, one an hour; `T` there, `n` near, `-` gone. Answers the state after each: `p`, `f`, `.`.
    fn play(policy: &AlertPolicy, sightings: &str) -> String {
        let mut standing: Option<Standing> = None;
        let mut shown = String::new();
        for (hour, sighting) in sightings.chars().enumerate() {
            let seen = match sighting {
                'T' => Seen::There,
                'n' => Seen::Near,
                _ => Seen::Gone,
            };
            let now = Timestamp(hour as i64 * 3_600_000);
            standing = match step(standing, seen, policy, now) {
                Step::Nothing | Step::Forget | Step::Resolve => None,
                Step::Open(standing) | Step::Go(standing) => Some(standing),
            };
            shown.push(match standing.map(|standing| standing.state) {
                None => '.',
                Some(AlertState::Pending) => 'p',
                Some(_) => 'f',
            });
        }
        shown
    }

    fn policy(lasting: &str, clear: &str) -> AlertPolicy {
        AlertPolicy { lasting: lasting.parse().unwrap(), clear: clear.parse().unwrap(), ..AlertPolicy::default() }
    }

    #[test]
    fn an_alert_fires_when_it_lasts_and_ends_when_it_is_gone_for_long() {
        assert_eq!(play(&policy("1 window", "1 window"), "-T-TT-"), ".f.ff.");
        assert_eq!(play(&policy("2 windows", "2 windows"), "T-TT-T--T"), "p.pffff.p");
        assert_eq!(play(&policy("2h", "3h"), "TTT--T----"), "ppfffffff.");
        assert_eq!(play(&policy("2h", "2h"), "TTT--T---"), "ppffffff.");
        // Near the threshold an alert neither opens nor ends.
        assert_eq!(play(&policy("1 window", "2 windows"), "nT-n-n--"), ".ffffff.");
        assert_eq!(play(&policy("2 windows", "1 window"), "TnnT"), "pppf");
    }

    /// Whatever happens: it fires only after lasting, ends only after being gone for long, and does both then.
    #[test]
    fn random_courses_keep_the_rules() {
        let mut rng = Rng::seeded(11);
        for _ in 0..2000 {
            let (lasting, clear) = (1 + rng.below(4), 1 + rng.below(4));
            let policy = AlertPolicy {
                lasting: Patience::Windows(lasting as u32),
                clear: Patience::Windows(clear as u32),
                ..AlertPolicy::default()
            };
            let sightings: String = (0..60).map(|_| ['T', 'T', 'n', '-', '-'][rng.below(5)]).collect();
            let states: Vec<char> = play(&policy, &sightings).chars().collect();
            let seen: Vec<char> = sightings.chars().collect();
            for at in 1..seen.len() {
                let recent =
                    |what: char, most: usize| seen[..=at].iter().rev().take(most).filter(|s| **s == what).count();
                if states[at] == 'f' && states[at - 1] != 'f' {
                    let run = seen[..=at].iter().rev().take_while(|s| **s != '-').filter(|s| **s == 'T').count();
                    assert!(run >= lasting, "fired early at {at}: {sightings}");
                }
                if states[at - 1] == 'f' {
                    assert_eq!(states[at] != 'f', recent('-', clear) == clear, "ended wrongly at {at}: {sightings}");
                }
                if recent('T', lasting) == lasting {
                    assert_eq!(states[at], 'f', "silent at {at}: {sightings}");
                }
            }
        }
    }

    #[test]
    fn the_same_moment_counts_once() {
        let policy = policy("2 windows", "2 windows");
        let Step::Open(first) = step(None, Seen::There, &policy, Timestamp(5)) else { panic!("opens") };
        assert_eq!(step(Some(first), Seen::There, &policy, Timestamp(5)), Step::Go(first));
        let firing = Standing { state: AlertState::Firing, ..first };
        let Step::Go(gone) = step(Some(firing), Seen::Gone, &policy, Timestamp(9)) else { panic!("stays") };
        assert_eq!(step(Some(gone), Seen::Gone, &policy, Timestamp(9)), Step::Go(gone));
        assert_eq!(step(Some(gone), Seen::Gone, &policy, Timestamp(10)), Step::Resolve);
        let by_time = AlertPolicy { clear: Patience::Time(Duration::hours(1)), ..policy };
        assert!(matches!(step(Some(gone), Seen::Gone, &by_time, Timestamp(10)), Step::Go(_)));
    }
}
