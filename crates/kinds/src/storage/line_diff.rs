//! Differences between texts line by line, as Python's difflib finds them, which the server uses by way of a port to Go.

/// Lines that stay around a change.
const CONTEXT: usize = 3;

/// A run of lines: where it begins in each text, and how many lines of each it has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    old: (usize, usize),
    new: (usize, usize),
    equal: bool,
}

/// The unified difference, without the names of files.
pub(super) fn unified(old: &[String], new: &[String]) -> String {
    let mut text = String::new();
    for hunk in hunks(&runs(old, new)) {
        let (Some(first), Some(last)) = (hunk.first(), hunk.last()) else { continue };
        let range = |start: usize, end: usize| match end - start {
            1 => format!("{}", start + 1),
            0 => format!("{start},0"),
            length => format!("{},{length}", start + 1),
        };
        let old_range = range(first.old.0, last.old.1);
        text.push_str(&format!("@@ -{old_range} +{} @@\n", range(first.new.0, last.new.1)));
        for run in &hunk {
            let lines = |text: &mut String, mark: char, lines: &[String]| {
                lines.iter().for_each(|line| text.push_str(&format!("{mark}{line}\n")));
            };
            match run.equal {
                true => lines(&mut text, ' ', &old[run.old.0..run.old.1]),
                false => {
                    lines(&mut text, '-', &old[run.old.0..run.old.1]);
                    lines(&mut text, '+', &new[run.new.0..run.new.1]);
                }
            }
        }
    }
    text
}

/// The runs of equal and of different lines, in order.
fn runs(old: &[String], new: &[String]) -> Vec<Run> {
    let mut blocks = Vec::new();
    matching(old, new, (0, old.len(), 0, new.len()), &mut blocks);
    blocks.push((old.len(), new.len(), 0));
    let (mut runs, mut at) = (Vec::new(), (0, 0));
    for (a, b, size) in blocks {
        if at.0 < a || at.1 < b {
            runs.push(Run { old: (at.0, a), new: (at.1, b), equal: false });
        }
        if size > 0 {
            runs.push(Run { old: (a, a + size), new: (b, b + size), equal: true });
        }
        at = (a + size, b + size);
    }
    joined(runs)
}

/// Neighbouring equal runs are one.
fn joined(runs: Vec<Run>) -> Vec<Run> {
    let mut all: Vec<Run> = Vec::new();
    for run in runs {
        match all.last_mut().filter(|last| last.equal && run.equal) {
            Some(last) => (last.old.1, last.new.1) = (run.old.1, run.new.1),
            None => all.push(run),
        }
    }
    all
}

/// The longest common run, then the same before and behind it.
fn matching(
    old: &[String],
    new: &[String],
    (a_low, a_high, b_low, b_high): (usize, usize, usize, usize),
    blocks: &mut Vec<(usize, usize, usize)>,
) {
    let mut best = (a_low, b_low, 0);
    let mut lengths = vec![0; b_high + 1];
    for a in a_low..a_high {
        let mut row = vec![0; b_high + 1];
        for b in b_low..b_high {
            if old[a] == new[b] {
                row[b + 1] = lengths[b] + 1;
                if row[b + 1] > best.2 {
                    best = (a + 1 - row[b + 1], b + 1 - row[b + 1], row[b + 1]);
                }
            }
        }
        lengths = row;
    }
    let (a, b, size) = best;
    if size > 0 {
        matching(old, new, (a_low, a, b_low, b), blocks);
        blocks.push(best);
        matching(old, new, (a + size, a_high, b + size, b_high), blocks);
    }
}

/// Changes with some lines around them; those that are close to each other together.
fn hunks(runs: &[Run]) -> Vec<Vec<Run>> {
    let (mut hunks, mut hunk) = (Vec::new(), Vec::new());
    for (index, run) in runs.iter().enumerate() {
        let (first, last) = (index == 0, index + 1 == runs.len());
        let length = run.old.1 - run.old.0;
        if !run.equal {
            hunk.push(*run);
        } else if first || last {
            hunk.push(if first { tail(*run) } else { head(*run) });
        } else if length > 2 * CONTEXT {
            hunk.push(head(*run));
            hunks.push(std::mem::take(&mut hunk));
            hunk.push(tail(*run));
        } else {
            hunk.push(*run);
        }
    }
    if hunk.iter().any(|run| !run.equal) {
        hunks.push(hunk);
    }
    hunks
}

fn head(run: Run) -> Run {
    let kept = (run.old.1 - run.old.0).min(CONTEXT);
    Run { old: (run.old.0, run.old.0 + kept), new: (run.new.0, run.new.0 + kept), ..run }
}

fn tail(run: Run) -> Run {
    let kept = (run.old.1 - run.old.0).min(CONTEXT);
    Run { old: (run.old.1 - kept, run.old.1), new: (run.new.1 - kept, run.new.1), ..run }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_shown_with_three_lines_around_them() {
        let lines = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let check = |old: &str, new: &str, expected: &str| {
            assert_eq!(unified(&lines(old), &lines(new)), expected, "{old} -> {new}");
        };
        check("a", "a", "");
        check("a", "b", "@@ -1 +1 @@\n-a\n+b\n");
        check("1 2 3 4 5 6", "1 2 3 4 x 6", "@@ -2,5 +2,5 @@\n 2\n 3\n 4\n-5\n+x\n 6\n");
        check(
            "x 1 2 3 4 5 6 7 y",
            "z 1 2 3 4 5 6 7 w",
            "@@ -1,4 +1,4 @@\n-x\n+z\n 1\n 2\n 3\n@@ -6,4 +6,4 @@\n 5\n 6\n 7\n-y\n+w\n",
        );
    }
}
