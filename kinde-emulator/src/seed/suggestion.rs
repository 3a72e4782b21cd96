//! The known name that somebody probably meant.

/// Returns the nearest of the known names, if one is near.
pub(super) fn nearest<'a>(wrong: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = wrong.chars().count();
    // A third of the letters may be wrong; of a short name one.
    let limit = (length / 3).max(1);
    let near = known.into_iter().filter_map(|name| {
        let distance = distance(&wrong.to_lowercase(), &name.to_lowercase());
        let is_beginning = length > 2 && name.starts_with(wrong);
        (distance <= limit || is_beginning).then_some((distance, name))
    });
    near.min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

/// Counts the letters to add, leave out, replace or swap with a neighbour.
fn distance(left: &str, right: &str) -> usize {
    let (left, right): (Vec<_>, Vec<_>) = (left.chars().collect(), right.chars().collect());
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.iter().enumerate() {
        let mut next = vec![i.saturating_add(1)];
        for (j, r) in right.iter().enumerate() {
            let at = |row: &[usize], place: usize| row.get(place).copied().unwrap_or(usize::MAX);
            let replaced = at(&row, j).saturating_add(usize::from(l != r));
            let left_out = at(&row, j.saturating_add(1)).saturating_add(1);
            let added = at(&next, j).saturating_add(1);
            let mut least = replaced.min(left_out).min(added);
            let is_swap = i > 0
                && j > 0
                && left.get(i.wrapping_sub(1)) == Some(r)
                && right.get(j.wrapping_sub(1)) == Some(l);
            if is_swap {
                least = least.min(at(&before, j.wrapping_sub(1)).saturating_add(1));
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distance_counts_letters() {
        for (left, right, expected) in [
            ("permisions", "permissions", 1),
            ("naem", "name", 1),
            ("", "abc", 3),
            ("same", "same", 0),
            ("élan", "elan", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(
                (distance(left, right), distance(right, left)),
                (expected, expected),
                "{left} {right}"
            );
        }
    }

    #[test]
    fn only_a_near_name_is_suggested() {
        let known = ["permissions", "people", "name"];
        assert_eq!(nearest("permisions", known), Some("permissions"));
        assert_eq!(nearest("Name", known), Some("name"));
        assert_eq!(nearest("peeple", known), Some("people"));
        assert_eq!(nearest("perm", known), Some("permissions"));
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("", known), None);
    }
}
