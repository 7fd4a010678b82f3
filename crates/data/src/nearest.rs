//! Did you mean: the known words that look most like an unknown one.

/// How alike two words must be to be offered, from 0 to 1.
const ALIKE: f64 = 0.7;
/// Most words offered.
const OFFERED: usize = 3;

/// The candidates most like `word` (Jaro–Winkler, letter case ignored), best first; none when nothing is alike.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
    let word = word.to_lowercase();
    let mut scored: Vec<(f64, &str)> = candidates
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&word, &candidate.to_lowercase()), candidate))
        .filter(|(score, _)| *score >= ALIKE)
        .collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)));
    scored.into_iter().take(OFFERED).map(|(_, candidate)| candidate).collect()
}

/// The hint for an unknown word: the nearest candidates, or all of them when none is alike.
pub fn hint<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str> + Clone, plural: &str) -> String {
    let near = nearest(word, candidates.clone());
    if near.is_empty() {
        let all: Vec<&str> = candidates.into_iter().collect();
        format!("the {plural} are: {}", all.join(", "))
    } else {
        format!("did you mean {}?", near.join(" or "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typing_error_finds_its_word() {
        let names = ["origin", "dest", "distance"];
        assert_eq!(nearest("orgin", names), ["origin"]);
        assert_eq!(nearest("ORIGIN", names), ["origin"]);
        assert!(nearest("zzz", names).is_empty());
        assert_eq!(hint("zzz", names, "columns"), "the columns are: origin, dest, distance");
        assert_eq!(hint("dst", names, "columns"), "did you mean dest or distance?");
    }
}
