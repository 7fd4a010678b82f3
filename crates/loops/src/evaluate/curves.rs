//! What answers look like over all thresholds, and how errors lie.

use flyball_core::Task;
use flyball_evaluation::evaluate::Subject as Evaluated;
use flyball_stats::classification::{ScoreCurve, calibration_curve};
use serde::{Deserialize, Serialize};

/// Points of a curve at most: more than a drawing has pixels to show.
const POINTS: usize = 100;
/// Bins of a reliability diagram.
const BINS: usize = 10;
/// Bars of a histogram of errors.
const BARS: usize = 30;

/// A curve to draw.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    /// What it is: `roc`, `precision_recall`, `reliability`, `residuals`.
    pub name: String,
    /// What the horizontal axis is.
    pub x: String,
    /// What the vertical axis is.
    pub y: String,
    /// The points.
    pub points: Vec<(f64, f64)>,
}

fn curve(name: &str, x: &str, y: &str, points: Vec<(f64, f64)>) -> Curve {
    Curve { name: name.to_owned(), x: x.to_owned(), y: y.to_owned(), points: thinned(points) }
}

/// The curves of answers beside their truth; none where they are not defined.
pub fn curves(task: Task, answers: &Evaluated) -> Vec<Curve> {
    let pairs = answers.truth.iter().zip(&answers.score).filter(|(y, p)| y.is_finite() && p.is_finite());
    let (truth, score): (Vec<f64>, Vec<f64>) = pairs.map(|(y, p)| (*y, *p)).unzip();
    match task {
        Task::Regression => residuals(&truth, &score).into_iter().collect(),
        Task::Classification => {
            let labels: Vec<bool> = truth.iter().map(|y| *y > 0.5).collect();
            let Some(found) = ScoreCurve::new(&labels, &score, None) else { return Vec::new() };
            let roc = found.roc().iter().map(|point| (point.fpr, point.tpr)).collect();
            let pr = found.precision_recall().iter().map(|point| (point.recall, point.precision)).collect();
            let mut curves = vec![
                curve("roc", "false positive rate", "true positive rate", roc),
                curve("precision_recall", "recall", "precision", pr),
            ];
            let reliability = calibration_curve(&labels, &score, BINS);
            curves
                .extend(reliability.map(|points| curve("reliability", "probability", "share that came true", points)));
            curves
        }
    }
}

/// How often errors lie where: the middle of each bar, and its rows.
fn residuals(truth: &[f64], score: &[f64]) -> Option<Curve> {
    let errors: Vec<f64> = truth.iter().zip(score).map(|(y, p)| p - y).collect();
    let low = errors.iter().copied().fold(f64::INFINITY, f64::min);
    let high = errors.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let width = (high - low) / BARS as f64;
    if !(width.is_finite() && width > 0.0) {
        return None;
    }
    let mut bars = vec![0.0; BARS];
    for error in &errors {
        bars[(((error - low) / width) as usize).min(BARS - 1)] += 1.0;
    }
    let points = bars.into_iter().enumerate().map(|(bar, rows)| (low + (bar as f64 + 0.5) * width, rows)).collect();
    Some(curve("residuals", "error", "rows", points))
}

/// At most [`POINTS`] of the points, evenly, with both ends.
fn thinned(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    if points.len() <= POINTS {
        return points;
    }
    let last = points.len() - 1;
    (0..POINTS).map(|at| points[at * last / (POINTS - 1)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn curves_are_drawn_where_they_are_defined() {
        let truth: Vec<f64> = (0..1000).map(|row| f64::from(row % 2)).collect();
        let score: Vec<f64> = (0..1000).map(|row| f64::from(row) / 1000.0).collect();
        let found = curves(Task::Classification, &Evaluated::new(truth.clone(), score.clone()));
        let names: Vec<&str> = found.iter().map(|curve| curve.name.as_str()).collect();
        assert_eq!(names, ["roc", "precision_recall", "reliability"]);
        assert!(found.iter().all(|curve| !curve.points.is_empty() && curve.points.len() <= POINTS));
        assert_eq!((found[0].points[0], found[0].points[POINTS - 1]), ((0.0, 0.0), (1.0, 1.0)));
        let one_class = Evaluated::new(vec![0.0; 3], vec![0.1, 0.2, f64::NAN]);
        assert!(curves(Task::Classification, &one_class).is_empty());
        let errors = curves(Task::Regression, &Evaluated::new(truth.clone(), score));
        assert_eq!(errors[0].points.iter().map(|point| point.1).sum::<f64>(), 1000.0);
        assert!(curves(Task::Regression, &Evaluated { score: truth.clone(), truth }).is_empty(), "no errors at all");
    }
}
