//! Shapley values from orders in which the players join.

use super::coalition::{Coalition, Estimate, Game, ends, gains};

/// Coalitions that the game is asked for at once.
const AT_ONCE: usize = 1_024;

/// The Shapley values of `players` players from about `budget` coalitions: each drawn order is also walked backwards, which
/// makes games whose players interact in pairs only exact after the first order (Mitchell et al., "Sampling Permutations
/// for Shapley Value Estimation", 2022). At least one order is walked. `below(n)` draws a number in 0..n. `None` when the
/// game's gains are no numbers.
///
/// # Errors
/// What the game fails with.
pub fn permutation_shap<E>(
    players: usize,
    budget: usize,
    below: &mut dyn FnMut(usize) -> usize,
    game: &mut Game<'_, E>,
) -> Result<Option<Estimate>, E> {
    let Some([base, whole]) = ends(players, game)? else { return Ok(None) };
    if players < 2 {
        let values = vec![whole - base; players];
        return Ok(Some(Estimate { base, values, exact: true, errors: None, asked: 2 }));
    }
    let steps = 2 * (players - 1);
    let orders = if players == 2 { 1 } else { (budget.saturating_sub(2) / steps).max(1) };
    let (mut sums, mut squares) = (vec![0.0; players], vec![0.0; players]);
    let mut order: Vec<usize> = (0..players).collect();
    let mut left = orders;
    while left > 0 {
        let some = left.min((AT_ONCE / steps).max(1));
        left -= some;
        let mut drawn = Vec::with_capacity(some);
        for _ in 0..some {
            (1..players).rev().for_each(|place| order.swap(place, below(place + 1)));
            drawn.push(order.clone());
        }
        let asked: Vec<Coalition> = drawn.iter().flat_map(|order| joining(order)).collect();
        let Some(gains) = gains(&asked, game)? else { return Ok(None) };
        for (order, gains) in drawn.iter().zip(gains.chunks_exact(steps)) {
            let mut values = vec![0.0; players];
            let (forward, backward) = gains.split_at(players - 1);
            let ways: [(&[f64], &mut dyn Iterator<Item = &usize>); 2] =
                [(forward, &mut order.iter()), (backward, &mut order.iter().rev())];
            for (gains, joining) in ways {
                let mut before = base;
                for (player, &gain) in joining.zip(gains.iter().chain([&whole])) {
                    values[*player] += (gain - before) / 2.0;
                    before = gain;
                }
            }
            for ((sum, square), value) in sums.iter_mut().zip(&mut squares).zip(values) {
                *sum += value;
                *square += value * value;
            }
        }
    }
    let count = orders as f64;
    let error = |(sum, square): (&f64, &f64)| {
        let variance = (square - sum * sum / count).max(0.0) / (count - 1.0);
        (variance / count).sqrt()
    };
    let exact = players == 2;
    let errors = (!exact && orders > 1).then(|| sums.iter().zip(&squares).map(error).collect());
    let values = sums.iter().map(|sum| sum / count).collect();
    Ok(Some(Estimate { base, values, exact, errors, asked: 2 + orders * steps }))
}

/// The growing coalitions of an order, and those of its reverse, without the empty and the full one.
fn joining(order: &[usize]) -> Vec<Coalition> {
    let mut coalitions = Vec::with_capacity(2 * order.len());
    let ways: [&mut dyn Iterator<Item = &usize>; 2] = [&mut order.iter(), &mut order.iter().rev()];
    for way in ways {
        let mut coalition = vec![false; order.len()];
        for &player in way.take(order.len() - 1) {
            coalition[player] = true;
            coalitions.push(coalition.clone());
        }
    }
    coalitions
}
