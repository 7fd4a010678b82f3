//! Agreement on regions: boxes by intersection over union, spans of text by F1.

/// A box with its class, in any unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rectangle {
    /// Left edge.
    pub x: f64,
    /// Upper edge.
    pub y: f64,
    /// Width.
    pub width: f64,
    /// Height.
    pub height: f64,
    /// The class.
    pub class: usize,
}

/// A span of text with its class; the end is exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LabelledSpan {
    /// Where it begins.
    pub start: usize,
    /// Where it ends, exclusive.
    pub end: usize,
    /// The class.
    pub class: usize,
}

/// Intersection over union of two boxes, whatever their classes; 0 when neither has an area.
pub fn iou(one: &Rectangle, other: &Rectangle) -> f64 {
    let overlap = |start: f64, length: f64, other_start: f64, other_length: f64| {
        ((start + length).min(other_start + other_length) - start.max(other_start)).max(0.0)
    };
    let shared = overlap(one.x, one.width, other.x, other.width) * overlap(one.y, one.height, other.y, other.height);
    let union = one.width * one.height + other.width * other.height - shared;
    if union > 0.0 { shared / union } else { 0.0 }
}

/// The pairs of boxes of the same class that overlap most, each box once, best first; only those of at least `threshold`.
fn matched(one: &[Rectangle], other: &[Rectangle], threshold: f64) -> Vec<f64> {
    let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
    for (at, first) in one.iter().enumerate() {
        for (place, second) in other.iter().enumerate().filter(|(_, second)| second.class == first.class) {
            let overlap = iou(first, second);
            if overlap > 0.0 && overlap >= threshold {
                pairs.push((overlap, at, place));
            }
        }
    }
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut taken, mut given) = (vec![false; one.len()], vec![false; other.len()]);
    let mut found = Vec::new();
    for (overlap, at, place) in pairs {
        if !taken[at] && !given[place] {
            (taken[at], given[place]) = (true, true);
            found.push(overlap);
        }
    }
    found
}

/// The mean overlap of two annotators' boxes of one image: boxes of the same class are paired greedily by their overlap,
/// a box without a partner counts 0. Two empty images agree wholly.
pub fn mean_iou(one: &[Rectangle], other: &[Rectangle]) -> f64 {
    let found = matched(one, other, 0.0);
    let boxes = one.len() + other.len() - found.len();
    if boxes == 0 { 1.0 } else { found.iter().sum::<f64>() / boxes as f64 }
}

/// F1 of two annotators' boxes of one image: a pair of the same class that overlaps by `threshold` is a hit. Two empty
/// images agree wholly.
pub fn box_f1(one: &[Rectangle], other: &[Rectangle], threshold: f64) -> f64 {
    f1(matched(one, other, threshold).len(), one.len(), other.len())
}

/// F1 of two annotators' spans of one text: the same start, end and class is a hit. Two empty texts agree wholly.
pub fn span_f1(one: &[LabelledSpan], other: &[LabelledSpan]) -> f64 {
    let mut left: Vec<LabelledSpan> = other.to_vec();
    left.sort_unstable();
    let mut hits = 0;
    for span in one {
        if let Ok(at) = left.binary_search(span) {
            left.remove(at);
            hits += 1;
        }
    }
    f1(hits, one.len(), other.len())
}

fn f1(hits: usize, one: usize, other: usize) -> f64 {
    if one + other == 0 { 1.0 } else { 2.0 * hits as f64 / (one + other) as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(x: f64, class: usize) -> Rectangle {
        Rectangle { x, y: 0.0, width: 2.0, height: 2.0, class }
    }

    #[test]
    fn a_box_is_paired_once_and_only_with_its_class() {
        assert_eq!(iou(&square(0.0, 0), &square(1.0, 1)), 1.0 / 3.0);
        assert_eq!(iou(&Rectangle { width: 0.0, ..square(0.0, 0) }, &Rectangle { width: 0.0, ..square(0.0, 0) }), 0.0);
        assert_eq!(mean_iou(&[square(0.0, 0)], &[square(0.0, 1)]), 0.0);
        assert_eq!(mean_iou(&[square(0.0, 0)], &[square(0.0, 0), square(0.0, 0)]), 0.5);
        assert_eq!(mean_iou(&[], &[]), 1.0);
        assert_eq!(box_f1(&[square(0.0, 0)], &[square(1.0, 0)], 0.5), 0.0);
        assert_eq!(box_f1(&[square(0.0, 0)], &[square(0.5, 0)], 0.5), 1.0);
    }

    #[test]
    fn a_span_is_hit_once() {
        let span = |start, end, class| LabelledSpan { start, end, class };
        assert_eq!(span_f1(&[], &[]), 1.0);
        assert_eq!(span_f1(&[span(0, 3, 1)], &[]), 0.0);
        assert_eq!(span_f1(&[span(0, 3, 1), span(0, 3, 1)], &[span(0, 3, 1)]), 2.0 / 3.0);
        assert_eq!(span_f1(&[span(0, 3, 1)], &[span(0, 3, 2)]), 0.0);
    }
}
