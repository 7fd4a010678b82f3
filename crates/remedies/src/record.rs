//! The record of an action: why it was taken or not, and whether it helped.

use flyball_core::{Error, Result, Timestamp, id};
use serde::Serialize;
use serde_json::Value;

macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident => $text:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$doc])* $variant,)* }

        impl $name {
            /// The word in the database and the API.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }

            pub(crate) fn parse(text: &str) -> Result<Self> {
                match text {
                    $($text => Ok($name::$variant),)*
                    other => Err(Error::internal(format!("'{other}' is no word of a remedy's record"))),
                }
            }
        }
    };
}

words! {
    /// How an action stands.
    State {
        /// It was done.
        Taken => "taken",
        /// A limit held it back.
        Held => "held",
        /// It waits for a person.
        Waiting => "waiting",
        /// It would have been done, but the remedy only says what it would do.
        DryRun => "dry_run",
        /// A person refused it.
        Denied => "denied",
        /// Nobody said anything in time.
        Expired => "expired",
    }
}

words! {
    /// What came of an action.
    Help {
        /// Its condition no longer holds.
        Helped => "helped",
        /// Its condition still holds.
        Useless => "useless",
        /// The windows after it do not tell.
        Unknown => "unknown",
    }
}

/// What a remedy did, wants to do, or held back.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PastAction {
    /// Follows from the loop, the remedy and what called for it: the same call is answered once.
    pub id: String,
    /// The loop.
    pub loop_name: String,
    /// The position of the remedy in the loop file, from 0.
    pub remedy: usize,
    /// What it wanted to do.
    pub action: String,
    /// When.
    pub at: Timestamp,
    /// How it stands.
    pub state: State,
    /// What called for it: `window:…`, `serving:…`, `schedule:…` or `gave-up:…`.
    pub cause: String,
    /// Why it was done, or what held it back.
    pub reason: String,
    /// The values behind it.
    pub evidence: Value,
    /// The causes that were found, the most telling first.
    pub diagnosis: Value,
    /// When the trouble began.
    pub trouble_at: Option<Timestamp>,
    /// What it cost, in the currency of the loop's costs.
    pub cost: f64,
    /// What it changed, for example from which revision to which.
    pub effect: Value,
    /// Until when it waits for a person.
    pub expires_at: Option<Timestamp>,
    /// Who approved or refused it.
    pub decided_by: Option<String>,
    /// When.
    pub decided_at: Option<Timestamp>,
    /// Whether it helped; `None` while that is not known, and for what is not judged.
    pub help: Option<Help>,
    /// When that was known.
    pub judged_at: Option<Timestamp>,
    /// When it was in effect; with `trouble_at`, how long recovery took.
    pub effective_at: Option<Timestamp>,
    /// Whether the trouble that it was for is over, so that the next time counts anew.
    pub is_over: bool,
}

impl PastAction {
    /// A new record, whose id follows from the workspace, the loop, the remedy and its cause.
    pub fn new(workspace: &str, loop_name: &str, remedy: usize, cause: String, at: Timestamp) -> Self {
        let number = remedy.to_string();
        Self {
            id: id::derived("act", &[workspace.as_bytes(), loop_name.as_bytes(), number.as_bytes(), cause.as_bytes()]),
            loop_name: loop_name.to_owned(),
            remedy,
            action: String::new(),
            at,
            state: State::Held,
            cause,
            reason: String::new(),
            evidence: Value::Null,
            diagnosis: Value::Null,
            trouble_at: None,
            cost: 0.0,
            effect: Value::Null,
            expires_at: None,
            decided_by: None,
            decided_at: None,
            help: None,
            judged_at: None,
            effective_at: None,
            is_over: false,
        }
    }

    /// Whether it was done.
    pub fn is_taken(&self) -> bool {
        self.state == State::Taken
    }

    /// How it stands at a moment: what nobody decided in time has expired, whether or not that was written yet.
    pub fn state_at(&self, now: Timestamp) -> State {
        match (self.state, self.expires_at) {
            (State::Waiting, Some(until)) if until <= now => State::Expired,
            (state, _) => state,
        }
    }

    /// How long recovery took, in milliseconds: from the beginning of the trouble to the moment when the action was in
    /// effect. Only of those that helped.
    pub fn recovery_ms(&self) -> Option<i64> {
        let (from, to) = (self.trouble_at?, self.effective_at?);
        (self.help == Some(Help::Helped)).then(|| (to - from).0)
    }
}
