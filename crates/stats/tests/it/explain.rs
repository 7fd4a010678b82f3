//! Explanations of functions whose answers are known.

use std::convert::Infallible;

use flyball_core::rng::Rng;
use flyball_stats::explain::coalition::masked;
use flyball_stats::explain::counterfactual::{Domain, Search, counterfactuals};
use flyball_stats::explain::effects::{grid, individual_curves, local_effects, partial_dependence, spread};
use flyball_stats::explain::{Coalition, Estimate, kernel_shap, permutation_importance, permutation_shap};

use crate::oracle::near;

/// A game with main effects, pairs and a triple; the Shapley value shares each term among its members.
fn gain(coalition: &Coalition) -> f64 {
    let on = |player: usize| f64::from(u8::from(coalition[player]));
    let main: f64 = (0..coalition.len()).map(|player| (player as f64 - 3.0) * on(player)).sum();
    let pairs: f64 = (1..coalition.len()).map(|player| 0.5 * on(player) * on(player - 1)).sum();
    2.0 + main + pairs + 3.0 * on(0) * on(1) * on(2)
}

fn shapley(players: usize, player: usize) -> f64 {
    let neighbours = f64::from(u8::from(player > 0)) + f64::from(u8::from(player + 1 < players));
    player as f64 - 3.0 + 0.25 * neighbours + if player < 3 { 1.0 } else { 0.0 }
}

fn game(coalitions: &[Coalition]) -> Result<Vec<f64>, Infallible> {
    Ok(coalitions.iter().map(gain).collect())
}

fn kernel(players: usize, budget: usize, seed: u64) -> Estimate {
    let mut rng = Rng::seeded(seed);
    kernel_shap(players, budget, &mut |n| rng.below(n), &mut game).unwrap().unwrap()
}

#[test]
fn all_coalitions_give_the_exact_values() {
    let estimate = kernel(6, 64, 1);
    assert!(estimate.exact && estimate.asked == 64 && estimate.errors.is_none());
    near(estimate.base, 2.0, 0.0, "base");
    for (player, value) in estimate.values.iter().enumerate() {
        near(*value, shapley(6, player), 1e-12, "value");
    }
    for players in [0, 1, 2] {
        let mut sum = |coalitions: &[Coalition]| -> Result<Vec<f64>, Infallible> {
            Ok(coalitions.iter().map(|c| c.iter().filter(|member| **member).count() as f64).collect())
        };
        for estimate in [
            kernel_shap(players, 100, &mut |_| 0, &mut sum).unwrap().unwrap(),
            permutation_shap(players, 100, &mut |_| 0, &mut sum).unwrap().unwrap(),
        ] {
            assert_eq!((estimate.values, estimate.exact), (vec![1.0; players], true));
        }
    }
}

#[test]
fn sampled_values_are_within_their_errors_and_always_add_up() {
    let players = 14;
    for budget in [60, 400, 3_000] {
        let mut beyond = 0;
        for seed in 0..20 {
            let estimate = kernel(players, budget, seed);
            assert!(!estimate.exact && estimate.asked <= budget + 2);
            let whole = gain(&vec![true; players]);
            near(estimate.base + estimate.values.iter().sum::<f64>(), whole, 1e-9, "sum");
            let Some(errors) = &estimate.errors else { continue };
            for player in 0..players {
                let off = (estimate.values[player] - shapley(players, player)).abs();
                beyond += usize::from(off > 4.0 * errors[player] + 1e-9);
            }
        }
        assert!(beyond <= 14, "{beyond} of 280 values beyond four standard errors with a budget of {budget}");
    }
    let far = |budget| {
        let values = kernel(players, budget, 5).values;
        values.iter().enumerate().map(|(player, value)| (value - shapley(players, player)).abs()).fold(0.0, f64::max)
    };
    assert!(far(6_000) < 0.1 && far(6_000) < far(60), "{} {}", far(60), far(6_000));
}

#[test]
fn orders_walked_both_ways_are_exact_for_pairs_and_close_for_more() {
    let mut pairs = |coalitions: &[Coalition]| -> Result<Vec<f64>, Infallible> {
        let triple = |c: &Coalition| if c[0] && c[1] && c[2] { 3.0 } else { 0.0 };
        Ok(coalitions.iter().map(|c| gain(c) - triple(c)).collect())
    };
    let mut rng = Rng::seeded(3);
    let estimate = permutation_shap(9, 1, &mut |n| rng.below(n), &mut pairs).unwrap().unwrap();
    assert_eq!((estimate.asked, &estimate.errors), (2 + 2 * 8, &None));
    for (player, value) in estimate.values.iter().enumerate() {
        near(*value, shapley(9, player) - if player < 3 { 1.0 } else { 0.0 }, 1e-12, "pair");
    }
    // All 360 pairs of orders of 6 players, each once.
    let estimate = permutation_shap(6, 2 + 360 * 10, &mut |_| panic!("drawn"), &mut game).unwrap().unwrap();
    assert_eq!((estimate.exact, estimate.asked), (true, 3_602));
    for (player, value) in estimate.values.iter().enumerate() {
        near(*value, shapley(6, player), 1e-12, "every order");
    }
    let estimate = permutation_shap(9, 20_000, &mut |n| rng.below(n), &mut game).unwrap().unwrap();
    let errors = estimate.errors.unwrap();
    for (player, value) in estimate.values.iter().enumerate() {
        near(*value, shapley(9, player), 5.0 * errors[player] + 1e-12, "triple");
        assert!(errors[player] < 0.05);
    }
}

#[test]
fn gains_that_are_no_numbers_give_nothing() {
    let mut nothing = |coalitions: &[Coalition]| -> Result<Vec<f64>, Infallible> {
        Ok(coalitions.iter().map(|c| if c[0] && !c[1] { f64::NAN } else { 0.0 }).collect())
    };
    assert_eq!(kernel_shap(4, 10, &mut |_| 0, &mut nothing), Ok(None));
    assert_eq!(permutation_shap(4, 10, &mut |_| 0, &mut nothing), Ok(None));
    assert_eq!(kernel_shap(4, 10, &mut |_| 0, &mut |_| Ok::<_, Infallible>(Vec::new())), Ok(None));
    assert_eq!(kernel_shap(4, 10, &mut |_| 0, &mut |_| Err("broken")), Err("broken"));
}

#[test]
fn a_masked_model_answers_for_the_mean_of_the_background() {
    let background = vec![vec![1.0, 10.0], vec![3.0, 30.0]];
    let mut rows = 0;
    let mut predict = |asked: &[Vec<f64>]| -> Result<Vec<f64>, Infallible> {
        rows += asked.len();
        Ok(asked.iter().map(|row| row[0] * row[1]).collect())
    };
    let gains = masked(&[5.0, 2.0], &background, &mut predict)(&[vec![true, false], vec![true, true]]).unwrap();
    assert_eq!((gains, rows), (vec![100.0, 10.0], 4));
}

#[test]
fn importance_is_the_loss_of_dealt_out_values() {
    let x = [[1.0_f64, 5.0], [2.0, 5.0], [3.0, 9.0]];
    let orders = [vec![1, 2, 0], vec![2, 0, 1]];
    let mut loss = |feature: usize, order: &[usize]| -> Result<f64, Infallible> {
        let error = |(row, &from): (usize, &usize)| if feature == 0 { (x[from][0] - x[row][0]).powi(2) } else { 0.0 };
        Ok(order.iter().enumerate().map(error).sum::<f64>() / 3.0)
    };
    let found = permutation_importance(2, 0.0, &orders, &mut loss).unwrap().unwrap();
    assert_eq!((found[0].increase, found[0].deviation, found[1].increase), (2.0, Some(0.0), 0.0));
    assert_eq!(permutation_importance(2, 0.0, &[], &mut loss), Ok(None));
    let mut nothing = |_: usize, _: &[usize]| Ok::<_, Infallible>(f64::NAN);
    assert_eq!(permutation_importance(1, 0.0, &orders, &mut nothing), Ok(None));
}

#[test]
fn curves_follow_the_model_and_local_effects_stay_in_the_data() {
    // The second feature equals the first: the sum moves by both, the effect of the first alone is x.
    let x: Vec<f64> = (0..100).map(|row| f64::from(row) / 10.0).collect();
    let other = x.clone();
    let model = |first: f64, second: f64| first + second * second;
    let points = grid(&x, 5);
    assert_eq!(points.len(), 5);
    let mut at = |point: usize| Ok::<_, Infallible>(other.iter().map(|&second| model(points[point], second)).collect());
    let curve = partial_dependence(&individual_curves(points.len(), &mut at).unwrap()).unwrap();
    for (point, value) in points.iter().zip(&curve) {
        near(value - curve[0], point - points[0], 1e-9, "dependence");
    }
    near(spread(&curve).unwrap(), spread(&points).unwrap(), 1e-9, "spread");
    assert_eq!((spread(&[1.0]), partial_dependence(&[Vec::new()])), (None, None));

    let mut moved = |values: &[f64]| -> Result<Vec<f64>, Infallible> {
        Ok(values.iter().zip(&other).map(|(&first, &second)| model(first, second)).collect())
    };
    let effects = local_effects(&x, 10, &mut moved).unwrap().unwrap();
    assert_eq!(effects.counts.iter().sum::<usize>(), 100);
    for (edges, found) in effects.edges.windows(2).zip(effects.effects.windows(2)) {
        near(found[1] - found[0], edges[1] - edges[0], 1e-9, "local effect");
    }
    let centre: f64 = effects.effects.windows(2).zip(&effects.counts).map(|(e, &n)| (e[0] + e[1]) * n as f64).sum();
    near(centre, 0.0, 1e-9, "centre");
    assert!(effects.spread() > 2.5 && effects.spread() < 3.0, "{}", effects.spread());
    assert_eq!(local_effects(&[1.0, 1.0, f64::NAN], 10, &mut moved), Ok(None));
}

/// A loan is given above 0: income helps, debt hurts, a steady job (level 1) is worth 5.
fn loan(rows: &[Vec<f64>]) -> Result<Vec<f64>, Infallible> {
    Ok(rows.iter().map(|row| row[0] - 2.0 * row[1] + if row[2] == 1.0 { 5.0 } else { 0.0 } - row[3] / 10.0).collect())
}

#[test]
fn counterfactuals_are_valid_sparse_and_within_their_domains() {
    let number = |lowest, highest| Domain::Number { lowest, highest, scale: 2.0, whole: false };
    let row = [10.0, 6.0, 0.0, 20.0]; // scores −4
    let seen = vec![vec![16.0, 1.0, 1.0, 60.0], vec![3.0, 9.0, 0.0, 30.0]];
    let mut rng = Rng::seeded(9);
    let mut run = |domains: &[Domain], seen: &[Vec<f64>]| {
        let search = Search { row: &row, domains, seen, wanted: (0.0, f64::INFINITY), count: 3 };
        counterfactuals(&search, &mut || rng.unit(), &mut loan).unwrap().unwrap()
    };
    // Income may only grow, age stays.
    let domains = [number(10.0, 100.0), number(0.0, 50.0), Domain::Levels(vec![0.0, 1.0]), Domain::Fixed];
    for seen in [&seen[..], &[]] {
        let found = run(&domains, seen);
        assert!(!found.is_empty());
        for found in &found {
            assert!(found.score >= 0.0 && loan(&[found.values.clone()]).unwrap()[0] == found.score);
            assert!(found.values[0] >= 10.0 && found.values[1] >= 0.0 && found.values[3] == 20.0, "{found:?}");
            assert_eq!(found.changed.len(), 1, "{found:?}");
        }
        let nearest = found.iter().find(|found| found.changed == [1]).or(found.first()).unwrap();
        assert!(nearest.distance <= 2.2, "{nearest:?}");
    }
    // Nobody can change anything, or nothing allowed is enough.
    assert!(run(&[Domain::Fixed, Domain::Fixed, Domain::Fixed, Domain::Fixed], &seen).is_empty());
    assert!(run(&[number(10.0, 11.0), number(5.0, 6.0), Domain::Levels(vec![0.0]), Domain::Fixed], &seen).is_empty());
    // Whole numbers stay whole, and a search that makes no sense is refused.
    let whole = Domain::Number { lowest: 0.0, highest: 50.0, scale: 1.0, whole: true };
    let found = run(&[Domain::Fixed, whole, Domain::Fixed, Domain::Fixed], &seen);
    assert_eq!(found[0].values[1], 4.0);
    let search = Search { row: &row, domains: &domains[..2], seen: &[], wanted: (0.0, 1.0), count: 1 };
    assert_eq!(counterfactuals(&search, &mut || 0.5, &mut loan), Ok(None));
}

#[test]
fn missing_values_can_only_become_what_was_seen() {
    let row = [f64::NAN, 1.0];
    let domains = [Domain::Number { lowest: 0.0, highest: 9.0, scale: 1.0, whole: false }, Domain::Fixed];
    let mut model =
        |rows: &[Vec<f64>]| Ok::<_, Infallible>(rows.iter().map(|row| f64::from(u8::from(row[0] > 3.0))).collect());
    let mut run = |seen: Vec<Vec<f64>>| {
        let search = Search { row: &row, domains: &domains, seen: &seen, wanted: (0.5, 1.0), count: 1 };
        counterfactuals(&search, &mut || 0.3, &mut model).unwrap().unwrap()
    };
    assert!(run(Vec::new()).is_empty());
    assert_eq!(run(vec![vec![5.0, 2.0]])[0].values, [5.0, 1.0]);
}
