//! "Did you mean": the known word nearest to a mistyped one.

/// The known word that `word` was probably meant to be: at most a third of its letters differ (swapped neighbours count
/// once), capital letters and `-` for `_` aside. `None` when nothing is near.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    let wanted = plain(word);
    let allowed = (wanted.chars().count() / 3).max(1);
    known
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(&wanted, &plain(candidate)), candidate))
        .filter(|&(distance, candidate)| distance <= allowed && distance < candidate.chars().count())
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let known = ["label", "label_delay", "checks", "on"];
        assert_eq!(nearest("lable", known), Some("label"));
        assert_eq!(nearest("Label-Delay", known), Some("label_delay"));
        assert_eq!(nearest("check", known), Some("checks"));
        assert_eq!(nearest("search", known), None);
        assert_eq!(nearest("x", known), None);
    }
}
