//! Indexes of pods, as Jobs write them: `1,3-5`.

/// The intervals, each from its first to its last index; the text says what is wrong, as the server does.
fn intervals(text: &str, completions: i64) -> Result<Vec<(i64, i64)>, String> {
    let mut found: Vec<(i64, i64)> = Vec::new();
    if text.is_empty() {
        return Ok(found);
    }
    for interval in text.split(',') {
        let limits: Vec<&str> = interval.split('-').collect();
        if limits.len() > 2 {
            return Err(format!(
                "the fragment {interval:?} violates the requirement that an index interval can have at most two parts separated by '-'"
            ));
        }
        let number = |text: &str| {
            text.parse::<i32>()
                .map(i64::from)
                .map_err(|_| format!("cannot convert string to integer for index: {text:?}"))
        };
        let first = number(limits[0])?;
        if first >= completions {
            return Err(format!("too large index: {:?}", limits[0]));
        }
        if let Some((_, last)) = found.last().filter(|(_, last)| *last >= first) {
            return Err(format!("non-increasing order, previous: {last}, current: {first}"));
        }
        let last = match limits.get(1) {
            None => first,
            Some(text) => {
                let last = number(text)?;
                if last >= completions {
                    return Err(format!("too large index: {text:?}"));
                }
                if first >= last {
                    return Err(format!("non-increasing order, previous: {first}, current: {last}"));
                }
                last
            }
        };
        found.push((first, last));
    }
    Ok(found)
}

/// How many they are.
pub(super) fn count_indexes(text: &str, completions: i64) -> Result<i64, String> {
    Ok(intervals(text, completions)?.iter().map(|(first, last)| last - first + 1).sum())
}

/// One that is in both lists.
pub(super) fn common_index(one: &str, other: &str, completions: i64) -> Option<i64> {
    let (one, other) = (intervals(one, completions).ok()?, intervals(other, completions).ok()?);
    let shared = |(first, last): &(i64, i64)| {
        other
            .iter()
            .filter(|(start, end)| start <= last && first <= end)
            .map(|(start, _)| (*start).max(*first))
            .min()
    };
    one.iter().filter_map(shared).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_ascend() {
        let check = |text: &str, expected: Result<i64, &str>| {
            assert_eq!(count_indexes(text, 10), expected.map_err(str::to_owned), "{text}");
        };
        check("", Ok(0));
        check("1,3-5", Ok(4));
        check("3,1", Err("non-increasing order, previous: 3, current: 1"));
        check("10", Err("too large index: \"10\""));
        check("a", Err("cannot convert string to integer for index: \"a\""));
        assert_eq!(common_index("1,3-5", "4-6", 10), Some(4));
        assert_eq!(common_index("1", "2", 10), None);
    }
}
