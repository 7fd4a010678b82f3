//! Actions and their limits.

use flyball_core::{Duration, Name};
use serde::{Deserialize, Serialize};

/// What a remedy does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Trains a new version on the newest data and rolls it out if it passes the gates.
    Retrain,
    /// Goes back to the newest version that served before and was not gone back from.
    Rollback,
    /// Serves the simple fallback model.
    Fallback,
    /// Rolls the challenger out.
    Promote,
    /// Lets the endpoint answer twice as many requests at the same time.
    ScaleUp,
    /// Lets the endpoint answer half as many requests at the same time.
    ScaleDown,
    /// Keeps the newest data from being learned from, until it is sound again.
    Quarantine,
    /// Raises an alert for a person and does nothing else.
    Page,
}

/// What can go wrong with an action: what it puts in front of the users.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    /// The answers stay as they are.
    Low,
    /// The answers become those of a model that served before or was made to be fallen back to.
    Medium,
    /// The answers become those of a model that never served.
    High,
}

impl Action {
    /// Every action, in the order of the loop file's words for them.
    pub const ALL: &'static [Action] = &[
        Action::Retrain,
        Action::Rollback,
        Action::Fallback,
        Action::Promote,
        Action::ScaleUp,
        Action::ScaleDown,
        Action::Quarantine,
        Action::Page,
    ];

    /// The word for the action, as in the loop file.
    pub fn as_str(self) -> &'static str {
        match self {
            Action::Retrain => "retrain",
            Action::Rollback => "rollback",
            Action::Fallback => "fallback",
            Action::Promote => "promote",
            Action::ScaleUp => "scale_up",
            Action::ScaleDown => "scale_down",
            Action::Quarantine => "quarantine",
            Action::Page => "page",
        }
    }

    /// The action with this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.as_str() == word)
    }

    /// Its risk class.
    pub fn risk(self) -> Risk {
        match self {
            Action::Page | Action::Quarantine | Action::ScaleUp | Action::ScaleDown => Risk::Low,
            Action::Fallback | Action::Rollback => Risk::Medium,
            Action::Retrain | Action::Promote => Risk::High,
        }
    }

    /// Whether it shall end the trouble, so that the next windows show whether it did.
    pub fn is_judged(self) -> bool {
        !matches!(self, Action::Page | Action::Quarantine)
    }

    /// Whether doing it again is something else: newer data, or more of the same.
    pub fn is_new_each_time(self) -> bool {
        matches!(self, Action::Retrain | Action::ScaleUp | Action::ScaleDown | Action::Page | Action::Quarantine)
    }
}

/// Within what a remedy may act.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Limits {
    /// The least time between two actions: a day, unless given; nothing for a scheduled remedy.
    pub cool_down: Duration,
    /// The most actions on a day, UTC.
    pub per_day: Option<u32>,
    /// The most actions in a calendar month, UTC.
    pub per_month: Option<u32>,
    /// What its actions may cost in a calendar month, in the currency of the loop's costs.
    pub budget: Option<f64>,
    /// With fewer rows, or requests, it does not act.
    pub min_rows: Option<u64>,
    /// Where the loop must serve for it to act; anywhere when empty.
    pub environments: Vec<Name>,
    /// From this risk on its actions wait for a person.
    pub approval: Option<Risk>,
    /// For how long they wait.
    pub approval_within: Duration,
    /// After so many actions that did not help, or so many within ten windows, it pages and stops.
    pub give_up_after: u32,
    /// How many requests at the same time it may scale an endpoint to: the fewest and the most.
    pub concurrency: (u32, u32),
}

impl Limits {
    /// For how long an action waits for a person, unless given.
    pub const APPROVAL_WITHIN: Duration = Duration::days(1);
    /// After how many actions in vain a remedy gives up, unless given.
    pub const GIVE_UP_AFTER: u32 = 3;
    /// To how many requests at the same time an endpoint is scaled, unless given.
    pub const CONCURRENCY: (u32, u32) = (1, 64);

    /// Nothing but a least time between two actions.
    pub fn after(cool_down: Duration) -> Self {
        Self {
            cool_down,
            per_day: None,
            per_month: None,
            budget: None,
            min_rows: None,
            environments: Vec::new(),
            approval: None,
            approval_within: Self::APPROVAL_WITHIN,
            give_up_after: Self::GIVE_UP_AFTER,
            concurrency: Self::CONCURRENCY,
        }
    }
}
