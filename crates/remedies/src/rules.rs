//! The pure decision: may this remedy act now?

use flyball_core::Timestamp;

use crate::model::{Limits, PastAction};

/// What holds a remedy back now, in words; `None` when it may act. `busy` names what is already under way on the same
/// endpoint: two actions never run at once.
pub fn held_back(
    remedy: usize,
    limits: &Limits,
    past: &[PastAction],
    busy: Option<&str>,
    now: Timestamp,
) -> Option<String> {
    if let Some(busy) = busy {
        return Some(format!("{busy} is under way"));
    }
    let own = || past.iter().filter(|action| action.remedy == remedy && action.taken);
    if let Some(last) = own().map(|action| action.at).max()
        && now - last < limits.cool_down
    {
        return Some(format!("cool-down of {}: the last action was at {last}", limits.cool_down));
    }
    if let Some(most) = limits.per_month {
        let this_month = own().filter(|action| action.at >= now.month_start()).count();
        if this_month >= most as usize {
            return Some(format!("limit of {most} per month: {this_month} in this one"));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use flyball_core::Duration;

    fn taken(remedy: usize, day: i64) -> PastAction {
        PastAction {
            remedy,
            action: "retrain".into(),
            at: Timestamp(0) + Duration::days(day),
            taken: true,
            reason: String::new(),
            evidence: serde_json::Value::Null,
        }
    }

    #[test]
    fn cool_down_and_monthly_limit_hold() {
        // The epoch began with January; day 100 is in April, 120 in May.
        let limits = Limits { cool_down: Duration::days(7), per_month: Some(2) };
        let past = [taken(0, 92), taken(0, 100), taken(1, 113)];
        let on = |day: i64| held_back(0, &limits, &past, None, Timestamp(0) + Duration::days(day));
        assert!(on(104).unwrap().contains("cool-down of 7d"));
        assert!(on(115).unwrap().contains("limit of 2 per month"));
        assert_eq!(on(121), None);
        assert!(held_back(0, &limits, &[], Some("a rollout"), Timestamp(0)).unwrap().contains("a rollout"));
    }
}
