//! KernelSHAP: Shapley values as a weighted regression on coalitions.
//!
//! Lundberg & Lee, "A Unified Approach to Interpreting Model Predictions" (2017), with each sampled coalition paired with
//! its complement (Covert & Lee, "Improving KernelSHAP", 2021). Sizes of coalitions that the budget covers are asked
//! whole, from the outermost ones inwards; the weight of the others is spread over samples.

use super::coalition::{Coalition, Estimate, Game, ends, gains};
use super::normal_equations::NormalEquations;

/// The groups of the jackknife that standard errors come from.
const GROUPS: usize = 10;
/// More players are never asked in all coalitions, whatever the budget.
const MOST_EXACT: usize = 20;

/// The Shapley values of `players` players from about `budget` coalitions, but at least two for each player: exact when
/// all coalitions are within the budget, else estimated, with standard errors. `below(n)` draws a number in 0..n.
/// `None` when the game's gains are no numbers, or the coalitions that were drawn do not determine the values.
///
/// # Errors
/// What the game fails with.
pub fn kernel_shap<E>(
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
    if players <= MOST_EXACT && (1 << players) - 2 <= budget {
        return enumerate(players, [base, whole], game);
    }
    let (sure, drawn, mass) = choose(players, budget, below);
    let Some(of_sure) = gains(&sure.iter().map(|(c, _)| c.clone()).collect::<Vec<_>>(), game)? else { return Ok(None) };
    let Some(of_drawn) = gains(&drawn, game)? else { return Ok(None) };

    // The last player takes what the others leave, so that the values sum to the whole gain.
    let last = players - 1;
    let total = whole - base;
    let observe = |sums: &mut NormalEquations, coalition: &Coalition, gain: f64, weight: f64| {
        let own = |member: bool| f64::from(u8::from(member));
        let x: Vec<f64> = coalition[..last].iter().map(|&member| own(member) - own(coalition[last])).collect();
        sums.add(&x, gain - base - own(coalition[last]) * total, weight);
    };
    let complete = |mut values: Vec<f64>| {
        values.push(total - values.iter().sum::<f64>());
        values
    };
    let mut fixed = NormalEquations::new(last);
    sure.iter().zip(&of_sure).for_each(|((coalition, weight), &gain)| observe(&mut fixed, coalition, gain, *weight));
    // A pair stays together: its two halves are no independent samples.
    let pairs = drawn.len() / 2;
    let mut groups = vec![NormalEquations::new(last); GROUPS.min(pairs)];
    for (at, (coalition, &gain)) in drawn.iter().zip(&of_drawn).enumerate() {
        let group = (at / 2) % groups.len();
        observe(&mut groups[group], coalition, gain, mass / drawn.len() as f64);
    }
    let without = |left_out: Option<usize>| {
        let mut sums = fixed.clone();
        let kept = |group: &usize| Some(*group) != left_out;
        let size = |group: usize| pairs / groups.len() + usize::from(group < pairs % groups.len());
        let share = (0..groups.len()).filter(kept).map(size).sum::<usize>() as f64 / pairs.max(1) as f64;
        (0..groups.len()).filter(kept).for_each(|group| sums.add_all(&groups[group], 1.0 / share));
        sums.solve().map(complete)
    };
    let Some(values) = without(None) else { return Ok(None) };
    let replicates: Option<Vec<Vec<f64>>> = (0..groups.len()).map(|group| without(Some(group))).collect();
    let errors = replicates.filter(|replicates| replicates.len() > 1).map(|replicates| jackknife(&replicates));
    let asked = 2 + sure.len() + drawn.len();
    Ok(Some(Estimate { base, values, exact: false, errors, asked }))
}

/// Coalitions that are surely asked, each with its weight; drawn ones, in pairs; and the weight of the latter together.
fn choose(
    players: usize,
    budget: usize,
    below: &mut dyn FnMut(usize) -> usize,
) -> (Vec<(Coalition, f64)>, Vec<Coalition>, f64) {
    let weight = |size: usize| (players - 1) as f64 / (size * (players - size)) as f64;
    let mut left = budget.max(2 * players);
    let mut sure = Vec::new();
    let mut inner = 1;
    while inner <= players / 2 {
        let paired = 2 * inner != players;
        let count = binomial(players, inner).filter(|&count| count <= left / (1 + usize::from(paired)));
        let Some(count) = count else { break };
        each_of_size(players, inner, &mut |coalition| {
            if paired {
                sure.push((coalition.iter().map(|member| !member).collect(), weight(inner) / count as f64));
            }
            sure.push((coalition.to_vec(), weight(inner) / count as f64));
        });
        left -= count * (1 + usize::from(paired));
        inner += 1;
    }
    let sizes: Vec<usize> = (inner..=players - inner).collect();
    let mass: f64 = sizes.iter().map(|&size| weight(size)).sum();
    let mut drawn = Vec::new();
    let mut order: Vec<usize> = (0..players).collect();
    // Numbers of 24 bits are as fine as the sizes' weights need.
    let mut unit = || below(1 << 24) as f64 / f64::from(1 << 24);
    for _ in 0..if sizes.is_empty() { 0 } else { left / 2 } {
        let mut at = unit() * mass;
        let reached = |size: &&usize| {
            at -= weight(**size);
            at < 0.0
        };
        let size = sizes.iter().find(reached).or(sizes.last()).copied().unwrap_or(inner);
        let mut coalition = vec![false; players];
        for place in 0..size {
            let other = place + ((unit() * (players - place) as f64) as usize).min(players - place - 1);
            order.swap(place, other);
            coalition[order[place]] = true;
        }
        drawn.push(coalition.iter().map(|member| !member).collect());
        drawn.push(coalition);
    }
    (sure, drawn, mass)
}

/// How many coalitions of a size there are; `None` for more than fit.
fn binomial(players: usize, size: usize) -> Option<usize> {
    (0..size).try_fold(1_usize, |count, at| Some(count.checked_mul(players - at)? / (at + 1)))
}

/// Calls `each` with every coalition of a size, in lexicographic order.
fn each_of_size(players: usize, size: usize, each: &mut dyn FnMut(&[bool])) {
    let mut members: Vec<usize> = (0..size).collect();
    loop {
        let mut coalition = vec![false; players];
        members.iter().for_each(|&member| coalition[member] = true);
        each(&coalition);
        let Some(place) = (0..size).rev().find(|&place| members[place] < players - size + place) else { return };
        members[place] += 1;
        for next in place + 1..size {
            members[next] = members[next - 1] + 1;
        }
    }
}

/// All coalitions, by the definition of the Shapley value.
fn enumerate<E>(players: usize, [base, whole]: [f64; 2], game: &mut Game<'_, E>) -> Result<Option<Estimate>, E> {
    let all = 1_usize << players;
    let coalition = |set: usize| (0..players).map(|player| set >> player & 1 == 1).collect();
    let Some(inner) = gains(&(1..all - 1).map(coalition).collect::<Vec<_>>(), game)? else { return Ok(None) };
    let gain = |set: usize| match set {
        0 => base,
        _ if set == all - 1 => whole,
        _ => inner[set - 1],
    };
    // s! (n − s − 1)! / n! for the s others, from the one size to the next.
    let mut weights = vec![1.0 / players as f64];
    for size in 1..players {
        weights.push(weights[size - 1] * size as f64 / (players - size) as f64);
    }
    let value = |player: usize| -> f64 {
        let others = (0..all).filter(|set| set >> player & 1 == 0);
        others.map(|set| weights[set.count_ones() as usize] * (gain(set | 1 << player) - gain(set))).sum()
    };
    let values = (0..players).map(value).collect();
    Ok(Some(Estimate { base, values, exact: true, errors: None, asked: all }))
}

/// Standard errors from the values without each of the groups.
fn jackknife(replicates: &[Vec<f64>]) -> Vec<f64> {
    let count = replicates.len() as f64;
    let error = |player: usize| {
        let mean = replicates.iter().map(|values| values[player]).sum::<f64>() / count;
        let squares: f64 = replicates.iter().map(|values| (values[player] - mean).powi(2)).sum();
        (squares * (count - 1.0) / count).sqrt()
    };
    (0..replicates.first().map_or(0, Vec::len)).map(error).collect()
}
