//! Of many overlapping groups, the few that say something of their own.

use super::Search;
use super::count::Losses;

/// The positions of the groups to report, in the order given: each is judged without the rows of those before it, and
/// dropped where fewer than `least` rows are left, or these are not worse than the rest by the effect and with the
/// significance that `search` asks for. What is left of a group was chosen among `tests`, which its p-value pays for
/// (Bonferroni): relatives of a weak slice would else come back by chance.
pub(super) fn distinct(members: &[Vec<u32>], losses: &[f64], least: f64, tests: usize, search: &Search) -> Vec<usize> {
    let all = Losses::of(losses.iter().copied());
    let (mut taken, mut told) = (vec![false; losses.len()], Losses::default());
    let mut kept = Vec::new();
    for (at, rows) in members.iter().enumerate() {
        if kept.len() == search.slices {
            break;
        }
        let fresh = || rows.iter().map(|&row| row as usize).filter(|&row| !taken[row]);
        let own = Losses::of(fresh().map(|row| losses[row]));
        if own.rows < least {
            continue;
        }
        let rest = all.without(&told).without(&own);
        let price = if kept.is_empty() { 1.0 } else { tests as f64 };
        if own.effect(&rest) < search.effect || own.p_value(&rest) * price > search.significance {
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
