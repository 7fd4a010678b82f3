//! McNemar's test on the rows where exactly one of two models is right.

use crate::special::{binomial_cdf, chi_square_sf};

/// The discordant rows and both forms of the test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct McNemar {
    /// Rows where the champion is wrong and the challenger right.
    pub challenger_only: u64,
    /// Rows where the champion is right and the challenger wrong.
    pub champion_only: u64,
    /// Two-sided exact binomial p-value; the one to decide by.
    pub exact_p: f64,
    /// χ² with continuity correction, one degree of freedom; 0 without discordant rows.
    pub chi_square: f64,
    /// Its p-value.
    pub chi_square_p: f64,
}

/// Compares correctness row by row. `None` if lengths differ.
pub fn mcnemar(champion_correct: &[bool], challenger_correct: &[bool]) -> Option<McNemar> {
    if champion_correct.len() != challenger_correct.len() {
        return None;
    }
    let (mut challenger_only, mut champion_only) = (0, 0);
    for pair in champion_correct.iter().zip(challenger_correct) {
        match pair {
            (false, true) => challenger_only += 1,
            (true, false) => champion_only += 1,
            _ => {}
        }
    }
    let discordant = challenger_only + champion_only;
    let exact_p = (2.0 * binomial_cdf(challenger_only.min(champion_only), discordant, 0.5)).min(1.0);
    let gap = (challenger_only.abs_diff(champion_only) as f64 - 1.0).max(0.0);
    let chi_square = if discordant == 0 { 0.0 } else { gap * gap / discordant as f64 };
    let chi_square_p = chi_square_sf(chi_square, 1.0);
    Some(McNemar { challenger_only, champion_only, exact_p, chi_square, chi_square_p })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_models_do_not_differ() {
        let test = mcnemar(&[true, false], &[true, false]).unwrap();
        assert_eq!((test.exact_p, test.chi_square_p), (1.0, 1.0));
        assert_eq!(mcnemar(&[true], &[]), None);
    }
}
