//! Completed indexes as Jobs tell them: `0-2,5`.

use std::collections::BTreeSet;
use std::fmt;

/// A set of indexes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Indexes(BTreeSet<i64>);

impl Indexes {
    pub(super) fn parse(text: &str) -> Self {
        let mut all = BTreeSet::new();
        for part in text.split(',').filter(|part| !part.is_empty()) {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            if let (Ok(first), Ok(last)) = (first.parse::<i64>(), last.parse::<i64>()) {
                all.extend(first..=last);
            }
        }
        Self(all)
    }

    pub(super) fn insert(&mut self, index: i64) {
        self.0.insert(index);
    }

    pub(super) fn contains(&self, index: i64) -> bool {
        self.0.contains(&index)
    }

    pub(super) fn len(&self) -> i64 {
        crate::object::count(self.0.len())
    }
}

impl fmt::Display for Indexes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut ranges: Vec<(i64, i64)> = Vec::new();
        for index in &self.0 {
            match ranges.last_mut() {
                Some((_, last)) if *last + 1 == *index => *last = *index,
                _ => ranges.push((*index, *index)),
            }
        }
        let text = ranges.iter().map(|(first, last)| match last - first {
            0 => first.to_string(),
            1 => format!("{first},{last}"),
            _ => format!("{first}-{last}"),
        });
        f.write_str(&text.collect::<Vec<_>>().join(","))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn indexes_are_told_in_ranges() {
        for text in ["", "0", "0,1", "0-2", "0-2,5", "1,3,5,6", "0-9"] {
            assert_eq!(Indexes::parse(text).to_string(), text);
        }
        let mut indexes = Indexes::parse("0,2");
        indexes.insert(1);
        assert_eq!((indexes.to_string().as_str(), indexes.len(), indexes.contains(3)), ("0-2", 3, false));
    }
}
