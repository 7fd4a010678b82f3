//! Shapley values from orders in which the players join.

use super::coalition::{Coalition, Estimate, Game, ends, gains};

/// Coalitions that the game is asked for at once.
const AT_ONCE: usize = 1_024;
/// All orders of more players are never walked, whatever the budget: there are 20,160 pairs of these.
const MOST_EXACT: usize = 8;

/// The Shapley values of `players` players from about `budget` coalitions: each drawn order is also walked backwards, which
/// makes games whose players interact in pairs only exact after the first order (Mitchell et al., "Sampling Permutations
/// for Shapley Value Estimation", 2022). At least one order is walked; exact when all orders are within the budget.
/// `below(n)` draws a number in 0..n. `None` when the game's gains are no numbers.
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
    let wanted = (budget.saturating_sub(2) / steps).max(1);
    let all = (players <= MOST_EXACT).then(|| (3..=players).product()).filter(|&all| all <= wanted);
    let orders = all.unwrap_or(wanted);
    let (mut sums, mut squares) = (vec![0.0; players], vec![0.0; players]);
    let mut order: Vec<usize> = (0..players).collect();
    let mut left = orders;
    while left > 0 {
        let some = left.min((AT_ONCE / steps).max(1));
        left -= some;
        let mut drawn = Vec::with_capacity(some);
        for _ in 0..some {
            if all.is_none() {
                (1..players).rev().for_each(|place| order.swap(place, below(place + 1)));
            }
            drawn.push(order.clone());
            if all.is_some() {
                next_of_pairs(&mut order);
            }
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
    let exact = all.is_some();
    let errors = (!exact && orders > 1).then(|| sums.iter().zip(&squares).map(error).collect());
    let values = sums.iter().map(|sum| sum / count).collect();
    Ok(Some(Estimate { base, values, exact, errors, asked: 2 + orders * steps }))
}

/// The next order, in lexicographic order, whose first player is before its last: of each order and its reverse one.
fn next_of_pairs(order: &mut [usize]) {
    loop {
        let Some(place) = order.windows(2).rposition(|pair| pair[0] < pair[1]) else { return };
        if let Some(other) = order.iter().rposition(|&player| player > order[place]) {
            order.swap(place, other);
        }
        order[place + 1..].reverse();
        if order.first() < order.last() {
            return;
        }
    }
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
