//! Tests of means.

use super::{Moments, Test, sorted};
use crate::special::student_t_sf;

/// What is assumed of both sides' variances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variances {
    /// They are equal: Student's test.
    Pooled,
    /// Each side has its own: Welch's test.
    Separate,
}

/// Two-sided t-test of values in any order; NaN and infinities are dropped. `None` with fewer than two rows on a side, or
/// with equal means and no variance.
pub fn t_test(reference: &[f64], current: &[f64], variances: Variances) -> Option<Test> {
    let moments = [Moments::of(&sorted(reference))?, Moments::of(&sorted(current))?];
    t_test_of(&moments, variances)
}

pub(crate) fn t_test_of(moments: &[Moments; 2], variances: Variances) -> Option<Test> {
    let rows = moments.map(|side| side.rows as f64);
    if rows[0] < 2.0 || rows[1] < 2.0 {
        return None;
    }
    let squares = [moments[0].variance * rows[0], moments[1].variance * rows[1]];
    let (error, degrees) = match variances {
        Variances::Pooled => {
            let degrees = rows[0] + rows[1] - 2.0;
            ((squares[0] + squares[1]) / degrees * (1.0 / rows[0] + 1.0 / rows[1]), degrees)
        }
        Variances::Separate => {
            let [a, b] = [0, 1].map(|side| squares[side] / (rows[side] - 1.0) / rows[side]);
            let degrees = (a + b).powi(2) / (a * a / (rows[0] - 1.0) + b * b / (rows[1] - 1.0));
            (a + b, degrees)
        }
    };
    let difference = moments[0].mean - moments[1].mean;
    if error == 0.0 && difference != 0.0 {
        return Some(Test { statistic: difference.signum() * f64::INFINITY, p_value: 0.0 });
    }
    let statistic = difference / error.sqrt();
    let p_value = (2.0 * student_t_sf(statistic.abs(), degrees)).min(1.0);
    (!statistic.is_nan() && !p_value.is_nan()).then_some(Test { statistic, p_value })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn constants_either_differ_for_certain_or_are_undefined() {
        assert_eq!(t_test(&[1.0; 5], &[1.0; 5], Variances::Separate), None);
        assert_eq!(t_test(&[1.0; 5], &[2.0; 5], Variances::Pooled).unwrap().p_value, 0.0);
        assert_eq!(t_test(&[1.0], &[2.0, 3.0], Variances::Pooled), None);
    }

    #[test]
    fn both_agree_on_sides_alike() {
        let (left, right) = ([1.0, 2.0, 3.0, 4.0], [2.0, 3.0, 4.0, 5.0]);
        let pooled = t_test(&left, &right, Variances::Pooled).unwrap();
        let separate = t_test(&left, &right, Variances::Separate).unwrap();
        assert!((pooled.statistic - separate.statistic).abs() < 1e-12);
        assert!((pooled.p_value - separate.p_value).abs() < 1e-12);
    }
}
