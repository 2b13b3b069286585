//! The order in which go-yaml v2 writes keys: `a2` before `a10`, and everything else before letters.

use std::cmp::Ordering;

/// Sorts keys by go-yaml's natural order.
///
/// The order is not transitive for some odd keys, which the standard library's sort answers with a panic; merging does not.
pub(crate) fn sort<T>(entries: Vec<(&str, T)>) -> Vec<(&str, T)> {
    let keyed: Vec<_> =
        entries.into_iter().map(|entry| (entry.0.chars().collect::<Vec<char>>(), entry)).collect();
    merge_sort(keyed).into_iter().map(|(_, entry)| entry).collect()
}

fn merge_sort<T>(mut left: Vec<(Vec<char>, T)>) -> Vec<(Vec<char>, T)> {
    if left.len() < 2 || left.windows(2).all(|pair| !is_less(&pair[1].0, &pair[0].0)) {
        return left;
    }
    let right = left.split_off(left.len() / 2);
    let (left, right) = (merge_sort(left), merge_sort(right));
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut left, mut right) = (left.into_iter().peekable(), right.into_iter().peekable());
    loop {
        let from_right = match (left.peek(), right.peek()) {
            (Some(l), Some(r)) => is_less(&r.0, &l.0),
            (None, Some(_)) => true,
            (Some(_), None) => false,
            (None, None) => return merged,
        };
        merged.extend(if from_right { right.next() } else { left.next() });
    }
}

fn is_less(a: &[char], b: &[char]) -> bool {
    let same = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (Some(&x), Some(&y)) = (a.get(same), b.get(same)) else { return a.len() < b.len() };
    match (x.is_alphabetic(), y.is_alphabetic()) {
        (true, true) => return x < y,
        (false, false) => {}
        (_, y_is_letter) => return y_is_letter,
    }
    // Zeros count as digits of a larger number, not as leading ones, where another digit stands before them.
    let before = a[..same].iter().rev().take_while(|c| c.is_ascii_digit()).any(|&c| c != '0');
    let start = i64::from((x == '0' || y == '0') && before);
    let ((x_number, x_len), (y_number, y_len)) = (number(&a[same..], start), number(&b[same..], start));
    x_number.cmp(&y_number).then(x_len.cmp(&y_len)).then(x.cmp(&y)) == Ordering::Less
}

/// The number at the beginning of a text and its length.
fn number(text: &[char], start: i64) -> (i64, usize) {
    let digits = text.iter().map_while(|c| c.to_digit(10));
    digits.fold((start, 0), |(number, len), digit| {
        (number.wrapping_mul(10).wrapping_add(digit.into()), len + 1)
    })
}

#[cfg(test)]
mod tests {
    use super::sort;

    #[test]
    fn keys_sort_in_natural_order() {
        let expected = [
            "", "-", "1", "2", "10", "A", "Z", "a", "a-b", "a.b", "a1", "a2", "a10", "a10b", "aB", "ab", "é",
        ];
        let mut keys: Vec<(&str, ())> = expected.iter().map(|key| (*key, ())).collect();
        keys.sort_unstable();
        let sorted: Vec<&str> = sort(keys).into_iter().map(|(key, ())| key).collect();
        assert_eq!(sorted, expected);
    }
}
