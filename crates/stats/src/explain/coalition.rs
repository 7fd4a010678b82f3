//! The game that sampled Shapley values are asked of.

/// Which players (features) take part: one flag each.
pub type Coalition = Vec<bool>;

/// What each of some coalitions gains; an error of the model ends the explanation.
pub type Game<'a, E> = dyn FnMut(&[Coalition]) -> Result<Vec<f64>, E> + 'a;

/// A model that answers a batch of rows with one score each.
pub type Predict<'a, T, E> = dyn FnMut(&[Vec<T>]) -> Result<Vec<f64>, E> + 'a;

/// Rows that a model is asked for at once: enough to be fast, few enough for memory.
const MOST_ROWS: usize = 4_096;

/// Shapley values from the answers to some coalitions: the gain of all players = base + Σ values.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// What the empty coalition gains: the mean prediction over the background.
    pub base: f64,
    /// One per player.
    pub values: Vec<f64>,
    /// Whether every coalition was asked that could matter.
    pub exact: bool,
    /// The standard error of each value; `None` where there is none, or too few samples to tell.
    pub errors: Option<Vec<f64>>,
    /// How many coalitions were asked.
    pub asked: usize,
}

/// The interventional game of a model around one row: players keep the value of `row`, the others take theirs from each
/// background row in turn, and the mean of the answers is the gain. `predict` answers a batch of rows.
pub fn masked<'a, T: Clone, E>(
    row: &'a [T],
    background: &'a [Vec<T>],
    predict: &'a mut Predict<'_, T, E>,
) -> impl FnMut(&[Coalition]) -> Result<Vec<f64>, E> + 'a {
    move |coalitions| {
        let at_once = (MOST_ROWS / background.len().max(1)).max(1);
        let mut gains = Vec::with_capacity(coalitions.len());
        for some in coalitions.chunks(at_once) {
            let rows =
                some.iter().flat_map(|coalition| background.iter().map(move |other| mixed(row, other, coalition)));
            let answers = predict(&rows.collect::<Vec<_>>())?;
            let means = answers.chunks_exact(background.len().max(1));
            gains.extend(means.map(|answers| answers.iter().sum::<f64>() / answers.len() as f64));
        }
        Ok(gains)
    }
}

/// The values of `row` for the members of a coalition, those of `other` for the rest.
fn mixed<T: Clone>(row: &[T], other: &[T], coalition: &[bool]) -> Vec<T> {
    let own = row.iter().zip(other).zip(coalition);
    own.map(|((own, other), member)| if *member { own.clone() } else { other.clone() }).collect()
}

/// Asks for the gains of the empty and of the full coalition. `None` if one is no number.
pub(super) fn ends<E>(players: usize, game: &mut Game<'_, E>) -> Result<Option<[f64; 2]>, E> {
    let gains = game(&[vec![false; players], vec![true; players]])?;
    Ok(gains.try_into().ok().filter(|ends: &[f64; 2]| ends.iter().all(|gain| gain.is_finite())))
}

/// Asks for the gains of some coalitions. `None` unless each is a number.
pub(super) fn gains<E>(coalitions: &[Coalition], game: &mut Game<'_, E>) -> Result<Option<Vec<f64>>, E> {
    let gains = game(coalitions)?;
    Ok((gains.len() == coalitions.len() && gains.iter().all(|gain| gain.is_finite())).then_some(gains))
}
