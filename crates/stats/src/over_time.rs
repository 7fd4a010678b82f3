//! When drift over many windows is worth waking somebody: pages whose number is bounded over the year.
//!
//! Each window that is judged may alarm falsely, so with many windows some will. A page is raised only if a column drifted
//! in two judged windows in a row, and at least one of the two was stronger than a level so strict that, over the windows of
//! a year, windows without drift reach it at most as often as was agreed. By linearity of expectation this bound on the
//! expected number of false pages needs nothing of the windows but valid p-values: they may depend on one another in any
//! way, as they do, since all of them are compared with the same reference. Methods that spend their level adaptively
//! (LORD, SAFFRON) or multiply evidence (e-processes) need p-values that hold given the past, which a shared reference does
//! not give.

use crate::calibrated::{ColumnDecision, Verdict};
use crate::sketch::Damaged;
use crate::sketch::codec::{Reader, Writer};

/// The version of the bytes that are written; others are refused.
const VERSION: u8 = 1;
/// More columns than this are refused when bytes are read.
const COLUMNS: usize = 1 << 20;
/// A longer name of a column is refused when bytes are read.
const NAME_BYTES: usize = 1 << 16;

/// How often pages may be false.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PagePolicy {
    /// Expected number of false pages in a year of windows without drift, at most.
    pub false_pages_per_year: f64,
    /// Windows that are judged in a year: 365 for daily ones.
    pub windows_per_year: f64,
}

impl Default for PagePolicy {
    fn default() -> Self {
        Self { false_pages_per_year: 0.5, windows_per_year: 365.0 }
    }
}

/// What is remembered from window to window: the columns that drifted in the last judged window. The caller keeps it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PageState {
    drifting: Vec<Drifting>,
}

/// A column that drifted in the last judged window.
#[derive(Debug, Clone, PartialEq)]
struct Drifting {
    column: String,
    /// The least adjusted p-value since it began to.
    strongest: f64,
    paged: bool,
}

/// What a window adds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signals {
    /// Columns that somebody must know of now: confirmed, strong, and not told before.
    pub page: Vec<String>,
    /// Columns that drifted and wait for the next window to confirm it, or for stronger evidence.
    pub watch: Vec<String>,
    /// Columns that were paged and are quiet again.
    pub over: Vec<String>,
}

impl PagePolicy {
    /// The adjusted p-value that one of two windows in a row must reach. Both take part in at most two pairs, hence the
    /// half.
    pub fn level(&self) -> f64 {
        let level = self.false_pages_per_year / (2.0 * self.windows_per_year);
        if level.is_finite() { level.clamp(0.0, 1.0) } else { 0.0 }
    }

    /// Takes the decisions of a judged window in, columns by name. A column that was not judged stays as it was.
    pub fn observe<'a>(
        &self,
        state: &mut PageState,
        columns: impl IntoIterator<Item = (&'a str, ColumnDecision)>,
    ) -> Signals {
        let mut signals = Signals::default();
        for (column, decision) in columns {
            let position = state.drifting.iter().position(|drifting| drifting.column == column);
            match (decision.verdict, position) {
                (Verdict::NotJudged, _) | (Verdict::Stable | Verdict::Negligible, None) => {}
                (Verdict::Stable | Verdict::Negligible, Some(position)) => {
                    if state.drifting.remove(position).paged {
                        signals.over.push(column.to_owned());
                    }
                }
                (Verdict::Drifted, None) => {
                    let strongest = decision.adjusted_p.unwrap_or(1.0);
                    state.drifting.push(Drifting { column: column.to_owned(), strongest, paged: false });
                    signals.watch.push(column.to_owned());
                }
                (Verdict::Drifted, Some(position)) => {
                    let drifting = &mut state.drifting[position];
                    let now = decision.adjusted_p.unwrap_or(1.0);
                    if !drifting.paged {
                        drifting.paged = drifting.strongest.min(now) <= self.level();
                        let list = if drifting.paged { &mut signals.page } else { &mut signals.watch };
                        list.push(column.to_owned());
                    }
                    drifting.strongest = now;
                }
            }
        }
        signals
    }
}

impl PageState {
    /// Columns that were paged and have not been quiet since.
    pub fn open(&self) -> impl Iterator<Item = &str> {
        self.drifting.iter().filter(|drifting| drifting.paged).map(|drifting| drifting.column.as_str())
    }

    /// The state as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.byte(VERSION);
        writer.whole(self.drifting.len() as u64);
        for drifting in &self.drifting {
            writer.text(&drifting.column);
            writer.float(drifting.strongest);
            writer.byte(u8::from(drifting.paged));
        }
        writer.0
    }

    /// What [`Self::to_bytes`] wrote.
    ///
    /// # Errors
    /// When the bytes are anything else.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut reader = Reader::new(bytes);
        if reader.byte()? != VERSION {
            return Err(Damaged("the bytes are of another version"));
        }
        let length = reader.length(COLUMNS)?;
        let mut drifting: Vec<Drifting> = Vec::new();
        for _ in 0..length {
            let column = reader.text(NAME_BYTES)?.to_owned();
            let strongest = reader.float()?;
            let paged = reader.byte()?;
            if !(0.0..=1.0).contains(&strongest) || paged > 1 {
                return Err(Damaged("a column has no such state"));
            }
            drifting.push(Drifting { column, strongest, paged: paged == 1 });
        }
        reader.end()?;
        Ok(Self { drifting })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(p_value: f64) -> [(&'static str, ColumnDecision); 1] {
        let verdict = if p_value <= 0.05 { Verdict::Drifted } else { Verdict::Stable };
        [("wind", ColumnDecision { adjusted_p: Some(p_value), verdict })]
    }

    fn run(p_values: &[f64]) -> Vec<Signals> {
        let mut state = PageState::default();
        let observe = |&p_value: &f64| {
            state = PageState::from_bytes(&state.to_bytes()).unwrap();
            PagePolicy::default().observe(&mut state, judged(p_value))
        };
        p_values.iter().map(observe).collect()
    }

    fn pages(p_values: &[f64]) -> Vec<usize> {
        run(p_values).iter().enumerate().filter(|(_, signals)| !signals.page.is_empty()).map(|(at, _)| at).collect()
    }

    #[test]
    fn a_page_needs_strength_and_confirmation_and_comes_once() {
        assert_eq!(pages(&[1e-9, 0.5, 1e-9, 0.5]), [0; 0]);
        assert_eq!(pages(&[0.01, 0.02, 0.01, 0.03]), [0; 0]);
        assert_eq!(pages(&[0.5, 1e-9, 0.01, 1e-9, 1e-9]), [2]);
        assert_eq!(pages(&[0.01, 1e-9, 1e-9, 0.7, 1e-9, 1e-9]), [1, 5]);
        // The strong window was not next to the last one.
        assert_eq!(pages(&[0.01, 0.01, 0.01, 0.01]), [0; 0]);
    }

    #[test]
    fn the_end_is_told_and_what_was_not_judged_changes_nothing() {
        let signals = run(&[1e-9, 1e-9, 0.9]);
        assert_eq!((signals[0].watch.len(), signals[1].page.len(), signals[2].over.len()), (1, 1, 1));
        let mut state = PageState::default();
        let policy = PagePolicy::default();
        policy.observe(&mut state, judged(1e-9));
        let unknown = ColumnDecision { adjusted_p: None, verdict: Verdict::NotJudged };
        assert_eq!(policy.observe(&mut state, [("wind", unknown)]), Signals::default());
        assert_eq!(policy.observe(&mut state, judged(0.04)).page, ["wind"]);
        assert_eq!(state.open().collect::<Vec<_>>(), ["wind"]);
    }

    #[test]
    fn damaged_bytes_are_refused() {
        let mut state = PageState::default();
        PagePolicy::default().observe(&mut state, judged(1e-9));
        let bytes = state.to_bytes();
        for length in 0..bytes.len() {
            assert!(PageState::from_bytes(&bytes[..length]).is_err());
        }
        assert_eq!(PageState::from_bytes(&bytes).unwrap(), state);
        assert!(PageState::from_bytes(&[9, 0]).is_err());
    }

    #[test]
    fn a_senseless_policy_never_pages() {
        let policy = PagePolicy { false_pages_per_year: 1.0, windows_per_year: 0.0 };
        assert_eq!(policy.level(), 0.0);
    }
}
