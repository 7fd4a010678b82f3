//! What to label next: the items of which a model is least sure.

/// How unsure a model is of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Uncertainty {
    /// One less the probability of the most probable class.
    LeastConfidence,
    /// One less the distance of the two most probable classes.
    Margin,
    /// The entropy of the probabilities, in nats.
    Entropy,
}

/// How unsure the probabilities of the classes are; greater is less sure. `None` for fewer than two classes, or for what are no
/// probabilities.
pub fn uncertainty(probabilities: &[f64], by: Uncertainty) -> Option<f64> {
    if probabilities.len() < 2 || !probabilities.iter().all(|p| (0.0..=1.0).contains(p)) {
        return None;
    }
    let (mut first, mut second) = (0.0_f64, 0.0_f64);
    for &probability in probabilities {
        if probability > first {
            (first, second) = (probability, first);
        } else {
            second = second.max(probability);
        }
    }
    Some(match by {
        Uncertainty::LeastConfidence => 1.0 - first,
        Uncertainty::Margin => 1.0 - (first - second),
        Uncertainty::Entropy => -probabilities.iter().filter(|p| **p > 0.0).map(|p| p * p.ln()).sum::<f64>(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flat_answer_is_the_least_sure_one() {
        for by in [Uncertainty::LeastConfidence, Uncertainty::Margin, Uncertainty::Entropy] {
            let of = |p: &[f64]| uncertainty(p, by);
            assert!(of(&[0.5, 0.5]).unwrap() > of(&[0.6, 0.4]).unwrap());
            assert_eq!(of(&[1.0, 0.0]), Some(0.0));
            assert_eq!(of(&[1.0]), None);
            assert_eq!(of(&[0.5, f64::NAN]), None);
            assert_eq!(of(&[1.5, -0.5]), None);
        }
    }
}
