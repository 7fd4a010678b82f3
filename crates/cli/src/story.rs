//! A simulation told on the terminal: a progress bar, the events that matter, and the comparison at the end.

use std::sync::atomic::{AtomicBool, Ordering};

use flyball_core::Timestamp;
use flyball_governance::audit::Recorded;
use flyball_loops::simulate::{Observer, Progress};
use flyball_loops::status;
use indicatif::{ProgressBar, ProgressStyle};

/// Set when the user wants to stop; the simulation ends at its next commit and can go on later.
pub(crate) static STOP: AtomicBool = AtomicBool::new(false);

/// Tells a simulation.
pub(crate) struct Story {
    bar: ProgressBar,
    quiet: bool,
    main: String,
}

impl Story {
    /// A story of the loop `main`; quiet on anything that is not a terminal when `quiet` is set.
    pub(crate) fn new(main: &str, quiet: bool) -> Self {
        let bar = if quiet { ProgressBar::hidden() } else { ProgressBar::new(1) };
        let style = ProgressStyle::with_template("{prefix:.bold} {bar:36.cyan/dim} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.set_style(style);
        Self { bar, quiet, main: main.to_owned() }
    }

    /// Takes the bar away.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }
}

impl Observer for Story {
    fn events(&mut self, events: &[Recorded]) {
        for recorded in events.iter().filter(|recorded| worth_telling(recorded, &self.main)) {
            let stage = status::stage_of(&recorded.event.action).unwrap_or("");
            let line = format!("{}  {stage:<8} {}", day(recorded.event.at), status::describe(recorded));
            match (self.quiet, self.bar.is_hidden()) {
                (true, _) => {}
                // Standard error is no terminal: the events are told without the bar.
                (false, true) => eprintln!("{line}"),
                (false, false) => self.bar.println(line),
            }
        }
    }

    fn progress(&mut self, progress: &Progress) {
        let span = |from: Timestamp, to: Timestamp| (to - from).0.max(0).unsigned_abs();
        self.bar.set_length(span(progress.from, progress.to));
        self.bar.set_position(span(progress.from, progress.now.min(progress.to)));
        self.bar.set_prefix(day(progress.now));
        self.bar.set_message(format!("{} predictions", grouped(progress.served)));
    }

    fn stop(&self) -> bool {
        STOP.load(Ordering::Relaxed)
    }
}

/// The events of the loop itself that change something or ask for attention. The policies that it is compared with and
/// the hourly truths stay in the audit log, and so does that a run begins.
fn worth_telling(recorded: &Recorded, main: &str) -> bool {
    let action = recorded.event.action.as_str();
    if action == "run.create" {
        return false;
    }
    let told =
        ["run.", "gate.", "rollout.", "alert.", "remedy.", "window.close"].iter().any(|noun| action.starts_with(noun));
    told && recorded.event.actor == format!("loop:{main}")
}

fn day(at: Timestamp) -> String {
    at.to_string().chars().take(10).collect()
}

/// A number with a space between thousands.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(' ');
        }
        text.push(digit);
    }
    text
}
