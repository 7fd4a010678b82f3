//! Geometry of the drawings: everything is computed here and written as SVG attributes, never as inline style.

use std::f64::consts::TAU;
use std::fmt::Write;

/// The middle of the ring, in the units of its 420 × 340 view box.
const CENTRE: (f64, f64) = (210.0, 170.0);
/// From the middle to the centre of a stage.
const RADIUS: f64 = 112.0;
/// From the middle to the label of a stage.
const LABEL_RADIUS: f64 = 146.0;

/// Where a stage of the ring is drawn.
#[derive(Clone, Debug, PartialEq)]
pub struct RingNode {
    /// Centre of the stage.
    pub x: f64,
    /// Centre of the stage.
    pub y: f64,
    /// Base point of the label.
    pub label_x: f64,
    /// Base point of the label.
    pub label_y: f64,
    /// `start`, `middle` or `end`.
    pub anchor: &'static str,
    /// The arc to the next stage.
    pub arc: String,
    /// The arrow head at its end.
    pub head: String,
}

/// The place of stage `at` of `count`, clockwise from the top.
pub fn ring_node(at: usize, count: usize) -> RingNode {
    let step = TAU / count.max(1) as f64;
    let angle = at as f64 * step - TAU / 4.0;
    let on = |radius: f64, angle: f64| (CENTRE.0 + radius * angle.cos(), CENTRE.1 + radius * angle.sin());
    let (x, y) = on(RADIUS, angle);
    let (label_x, label_y) = on(LABEL_RADIUS, angle);
    // The arc leaves room for the circles of the stages (radius 20) and the arrow head.
    let (from, to) = (on(RADIUS, angle + 0.235), on(RADIUS, angle + step - 0.275));
    let sideways = angle.cos();
    let anchor = if sideways.abs() < 0.2 {
        "middle"
    } else if sideways > 0.0 {
        "start"
    } else {
        "end"
    };
    // Two lines of text: above the point at the top, around it at the sides, below it at the bottom.
    let label_y = label_y - 4.0 + 10.0 * angle.sin();
    let arc = format!("M{:.1} {:.1}A{RADIUS} {RADIUS} 0 0 1 {:.1} {:.1}", from.0, from.1, to.0, to.1);
    let head = triangle(to, angle + step - 0.275 + TAU / 4.0);
    RingNode { x: tenth(x), y: tenth(y), label_x: tenth(label_x), label_y: tenth(label_y), anchor, arc, head }
}

/// A small arrow head at a point, looking along an angle.
fn triangle(tip: (f64, f64), angle: f64) -> String {
    let at = |length: f64, turn: f64| (tip.0 + length * (angle + turn).cos(), tip.1 + length * (angle + turn).sin());
    let (front, left, right) = (at(5.0, 0.0), at(5.0, 2.3), at(5.0, -2.3));
    format!("M{:.1} {:.1}L{:.1} {:.1}L{:.1} {:.1}Z", front.0, front.1, left.0, left.1, right.0, right.1)
}

/// The outline of a histogram in a `width` × `height` box, bars from left to right; empty for no counts.
pub fn histogram(counts: &[f64], width: f64, height: f64) -> String {
    let top = counts.iter().copied().filter(|count| count.is_finite()).fold(0.0, f64::max);
    let mut path = String::new();
    if top <= 0.0 {
        return path;
    }
    let step = width / counts.len() as f64;
    let _infallible = write!(path, "M0 {height}");
    for (at, count) in counts.iter().enumerate() {
        let share = if count.is_finite() { (count / top).clamp(0.0, 1.0) } else { 0.0 };
        let _infallible = write!(path, "V{:.1}H{:.1}", height * (1.0 - share), step * (at + 1) as f64);
    }
    let _infallible = write!(path, "V{height}Z");
    path
}

/// A length on a scale of 0 to 100 for a value between `low` and `high`; values outside are cut, NaN is 0.
pub fn position(value: f64, low: f64, high: f64) -> f64 {
    let span = high - low;
    let share = if span > 0.0 && span.is_finite() { (value - low) / span } else { 0.5 };
    if share.is_nan() { 0.0 } else { tenth(share.clamp(0.0, 1.0) * 100.0) }
}

/// The largest finite size among `values`; 0 if there is none.
pub fn largest(values: impl Iterator<Item = f64>) -> f64 {
    values.map(f64::abs).filter(|value| value.is_finite()).fold(0.0, f64::max)
}

/// A signed bar around the middle of a box 100 wide, longest at `largest`: its left end and its width.
pub fn signed_bar(amount: f64, largest: f64) -> (f64, f64) {
    if !amount.is_finite() || largest <= 0.0 {
        return (50.0, 0.0);
    }
    let length = tenth((amount.abs() / largest).min(1.0) * 50.0);
    if amount < 0.0 { (tenth(50.0 - length), length) } else { (50.0, length) }
}

fn tenth(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ring_begins_at_the_top_and_stays_in_its_box() {
        let top = ring_node(0, 7);
        assert_eq!((top.x, top.anchor), (210.0, "middle"));
        assert!(top.y < 60.0);
        for at in 0..7 {
            let node = ring_node(at, 7);
            assert!((20.0..=400.0).contains(&node.label_x) && (10.0..=325.0).contains(&node.label_y), "{node:?}");
        }
    }

    #[test]
    fn drawings_survive_any_numbers() {
        assert_eq!(histogram(&[], 80.0, 20.0), "");
        assert_eq!(histogram(&[0.0, f64::NAN], 80.0, 20.0), "");
        assert_eq!(histogram(&[1.0, 2.0], 80.0, 20.0), "M0 20V10.0H40.0V0.0H80.0V20Z");
        assert!(!histogram(&[1.0, f64::INFINITY, f64::NAN], 80.0, 20.0).contains("NaN"));
        assert_eq!(position(f64::NAN, 0.0, 1.0), 0.0);
        assert_eq!(position(5.0, 0.0, 1.0), 100.0);
        assert_eq!(position(1.0, 1.0, 1.0), 50.0);
        assert_eq!(signed_bar(-1.0, 2.0), (25.0, 25.0));
        assert_eq!(signed_bar(f64::NAN, 2.0), (50.0, 0.0));
        assert_eq!(largest([f64::NAN, -3.0, f64::INFINITY].into_iter()), 3.0);
    }
}
