//! Of many overlapping groups, the few that say something of their own.

use super::count::Losses;

/// The positions of the groups to report, in the order given: each is judged without the rows of those before it, and
/// dropped where fewer than `least` rows are left, or these are not worse than the rest by `effect` with a p-value of
/// at most `significance`.
pub(super) fn distinct(
    members: &[Vec<u32>],
    losses: &[f64],
    least: f64,
    effect: f64,
    significance: f64,
    wanted: usize,
) -> Vec<usize> {
    let all = Losses::of(losses.iter().copied());
    let (mut taken, mut told) = (vec![false; losses.len()], Losses::default());
    let mut kept = Vec::new();
    for (at, rows) in members.iter().enumerate() {
        if kept.len() == wanted {
            break;
        }
        let fresh = || rows.iter().map(|&row| row as usize).filter(|&row| !taken[row]);
        let own = Losses::of(fresh().map(|row| losses[row]));
        if own.rows < least {
            continue;
        }
        let rest = all.without(&told).without(&own);
        if own.effect(&rest) < effect || own.p_value(&rest) > significance {
            continue;
        }
        let fresh: Vec<usize> = fresh().collect();
        for row in fresh {
            taken[row] = true;
            told.add(losses[row]);
        }
        kept.push(at);
    }
    kept
}
