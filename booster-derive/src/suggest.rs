//! "Did you mean" suggestions for misspelled words.

/// Returns the candidate closest to `word`, if it is close enough to be a misspelling.
pub(crate) fn nearest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let tolerance = (word.chars().count() / 3).max(1);
    candidates
        .iter()
        .map(|candidate| (edit_distance(word, candidate), *candidate))
        .filter(|(distance, _)| *distance <= tolerance)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Returns the Levenshtein distance between two words.
fn edit_distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.chars().enumerate() {
        let mut diagonal = i;
        row[0] = i + 1;
        for (j, r) in right.iter().enumerate() {
            let substituted = diagonal + usize::from(l != *r);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_single_edits() {
        assert_eq!(edit_distance("mean", "mean"), 0);
        assert_eq!(edit_distance("men", "mean"), 1);
        assert_eq!(edit_distance("", "max"), 3);
        assert_eq!(edit_distance("flaten", "flatten"), 1);
        assert_eq!(edit_distance("kitten", "sitting"), 3);
    }

    #[test]
    fn only_a_close_word_is_suggested() {
        assert_eq!(nearest("men", &["sum", "mean"]), Some("mean"));
        assert_eq!(nearest("flaten", &["skip", "flatten"]), Some("flatten"));
        assert_eq!(nearest("histogram", &["mean", "sum"]), None);
    }
}
