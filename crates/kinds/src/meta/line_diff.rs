//! Differences of texts by lines, as Python's difflib finds and prints them; the API server uses a port of it.

use std::collections::HashMap;
use std::ops::Range;

const CONTEXT: usize = 3;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Equal,
    Changed,
}

type Block = (Kind, Range<usize>, Range<usize>);

/// The unified diff without a header; empty for equal texts.
pub(super) fn unified(old: &str, new: &str) -> String {
    let (a, b): (Vec<&str>, Vec<&str>) = (old.split('\n').collect(), new.split('\n').collect());
    let mut text = String::new();
    for group in groups(blocks(&a, &b)) {
        let (Some((_, first_a, first_b)), Some((_, last_a, last_b))) = (group.first(), group.last()) else {
            continue;
        };
        let header = [first_a.start..last_a.end, first_b.start..last_b.end].map(|range| range_text(&range));
        text.push_str(&format!("@@ -{} +{} @@\n", header[0], header[1]));
        for (kind, in_a, in_b) in group {
            let mut print = |mark: char, lines: &[&str]| {
                lines.iter().for_each(|line| text.push_str(&format!("{mark}{line}\n")));
            };
            match kind {
                Kind::Equal => print(' ', &a[in_a]),
                Kind::Changed => {
                    print('-', &a[in_a]);
                    print('+', &b[in_b]);
                }
            }
        }
    }
    text
}

fn range_text(range: &Range<usize>) -> String {
    match range.len() {
        1 => format!("{}", range.start + 1),
        0 => format!("{},0", range.start),
        length => format!("{},{length}", range.start + 1),
    }
}

/// Equal and changed stretches in turn.
fn blocks(a: &[&str], b: &[&str]) -> Vec<Block> {
    let mut matches = Vec::new();
    find(&Lines::new(a, b), 0..a.len(), 0..b.len(), &mut matches);
    matches.push((a.len(), b.len(), 0));
    let (mut blocks, mut at) = (Vec::<Block>::new(), (0, 0));
    for (i, j, size) in matches {
        if at.0 < i || at.1 < j {
            blocks.push((Kind::Changed, at.0..i, at.1..j));
        }
        if size > 0 {
            match blocks.last_mut() {
                Some((Kind::Equal, in_a, in_b)) if in_a.end == i && in_b.end == j => {
                    in_a.end += size;
                    in_b.end += size;
                }
                _ => blocks.push((Kind::Equal, i..i + size, j..j + size)),
            }
        }
        at = (i + size, j + size);
    }
    blocks
}

struct Lines<'t> {
    a: &'t [&'t str],
    b: &'t [&'t str],
    places: HashMap<&'t str, Vec<usize>>,
}

impl<'t> Lines<'t> {
    /// In long texts, lines that are everywhere do not begin a match.
    fn new(a: &'t [&'t str], b: &'t [&'t str]) -> Self {
        let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
        for (index, line) in b.iter().enumerate() {
            places.entry(line).or_default().push(index);
        }
        if b.len() >= 200 {
            places.retain(|_, places| places.len() <= b.len() / 100 + 1);
        }
        Self { a, b, places }
    }

    /// The longest equal stretch, the first of several.
    fn longest(&self, in_a: &Range<usize>, in_b: &Range<usize>) -> (usize, usize, usize) {
        let (mut best, mut lengths) = ((in_a.start, in_b.start, 0), HashMap::<usize, usize>::new());
        for i in in_a.clone() {
            let mut next = HashMap::new();
            let places = self.places.get(self.a[i]).map(Vec::as_slice).unwrap_or_default();
            for &j in places.iter().filter(|j| in_b.contains(j)) {
                let length = j.checked_sub(1).and_then(|j| lengths.get(&j)).unwrap_or(&0) + 1;
                next.insert(j, length);
                if length > best.2 {
                    best = (i + 1 - length, j + 1 - length, length);
                }
            }
            lengths = next;
        }
        let (mut i, mut j, mut size) = best;
        while i > in_a.start && j > in_b.start && self.a[i - 1] == self.b[j - 1] {
            (i, j, size) = (i - 1, j - 1, size + 1);
        }
        while i + size < in_a.end && j + size < in_b.end && self.a[i + size] == self.b[j + size] {
            size += 1;
        }
        (i, j, size)
    }
}

fn find(lines: &Lines<'_>, in_a: Range<usize>, in_b: Range<usize>, found: &mut Vec<(usize, usize, usize)>) {
    let (i, j, size) = lines.longest(&in_a, &in_b);
    if size == 0 {
        return;
    }
    if in_a.start < i && in_b.start < j {
        find(lines, in_a.start..i, in_b.start..j, found);
    }
    found.push((i, j, size));
    if i + size < in_a.end && j + size < in_b.end {
        find(lines, i + size..in_a.end, j + size..in_b.end, found);
    }
}

/// Changes that are close together, with what is around them.
fn groups(mut blocks: Vec<Block>) -> Vec<Vec<Block>> {
    let shorten_start = |range: &Range<usize>| range.start.max(range.end.saturating_sub(CONTEXT))..range.end;
    let shorten_end = |range: &Range<usize>| range.start..range.end.min(range.start + CONTEXT);
    if let Some((Kind::Equal, in_a, in_b)) = blocks.first_mut() {
        (*in_a, *in_b) = (shorten_start(in_a), shorten_start(in_b));
    }
    if let Some((Kind::Equal, in_a, in_b)) = blocks.last_mut() {
        (*in_a, *in_b) = (shorten_end(in_a), shorten_end(in_b));
    }
    let (mut groups, mut group) = (Vec::new(), Vec::new());
    for (kind, in_a, in_b) in blocks {
        if kind == Kind::Equal && in_a.len() > 2 * CONTEXT {
            group.push((kind, shorten_end(&in_a), shorten_end(&in_b)));
            groups.push(std::mem::take(&mut group));
            group.push((kind, shorten_start(&in_a), shorten_start(&in_b)));
        } else {
            group.push((kind, in_a, in_b));
        }
    }
    groups.push(group);
    groups.retain(|group| group.iter().any(|(kind, ..)| *kind == Kind::Changed));
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_come_with_three_lines_around() {
        let old = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\nk\nl";
        assert_eq!(unified(old, old), "");
        assert_eq!(unified(old, &old.replace("e", "E")), "@@ -2,7 +2,7 @@\n b\n c\n d\n-e\n+E\n f\n g\n h\n");
        assert_eq!(
            unified(old, &old.replace("a", "A").replace("l", "L")),
            "@@ -1,4 +1,4 @@\n-a\n+A\n b\n c\n d\n@@ -9,4 +9,4 @@\n i\n j\n k\n-l\n+L\n"
        );
    }
}
