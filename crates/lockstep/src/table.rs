//! Tables as kubectl prints them.

use std::fmt;

/// What stands between two columns.
const GAP: usize = 3;

/// Rows under headings.
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(headings: &[&str]) -> Self {
        Self { rows: vec![headings.iter().map(|heading| (*heading).to_owned()).collect()] }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    /// How wide a column is: as its widest cell, in characters.
    fn width(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
    }
}

/// One line a row, without spaces at its end.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or_default();
        let widths: Vec<usize> = (0..columns).map(|column| self.width(column) + GAP).collect();
        for row in &self.rows {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            writeln!(f, "{}", cells.collect::<String>().trim_end())?;
        }
        Ok(())
    }
}

/// A span of seconds as kubectl prints ages: `45s`, `3m20s`, `5h30m`, `12d`.
pub(crate) fn age(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    let pair = |large: i64, unit: &str, small: i64, part: &str| match small {
        0 => format!("{large}{unit}"),
        small => format!("{large}{unit}{small}{part}"),
    };
    match (minutes, hours, days) {
        _ if seconds < 120 => format!("{seconds}s"),
        (minutes, ..) if minutes < 10 => pair(minutes, "m", seconds % 60, "s"),
        (minutes, ..) if minutes < 180 => format!("{minutes}m"),
        (_, hours, _) if hours < 8 => pair(hours, "h", minutes % 60, "m"),
        (_, hours, _) if hours < 48 => format!("{hours}h"),
        (.., days) if days < 8 => pair(days, "d", hours % 24, "h"),
        (.., days) if days < 730 => format!("{days}d"),
        (.., days) if days < 8 * 365 => pair(days / 365, "y", days % 365, "d"),
        (.., days) => format!("{}y", days / 365),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(&["NAME", "SYNC", "AGE"]);
        table.row(["shop", "OutOfSync", "3s"].map(str::to_owned).to_vec());
        table.row(["größe", "", "12d"].map(str::to_owned).to_vec());
        table.row(["x", "Synced", ""].map(str::to_owned).to_vec());
        let expected = "\
NAME    SYNC        AGE
shop    OutOfSync   3s
größe               12d
x       Synced
";
        assert_eq!(table.to_string(), expected);
        assert_eq!(Table::new(&["A", "B"]).to_string(), "A   B\n");
    }

    #[test]
    fn ages_are_those_of_kubectl() {
        for (seconds, expected) in [
            (-5, "0s"),
            (119, "119s"),
            (120, "2m"),
            (200, "3m20s"),
            (600, "10m"),
            (3 * 3600 - 1, "179m"),
            (3 * 3600, "3h"),
            (5 * 3600 + 1800, "5h30m"),
            (8 * 3600 + 1800, "8h"),
            (2 * 86_400, "2d"),
            (2 * 86_400 + 3600, "2d1h"),
            (12 * 86_400, "12d"),
            (3 * 365 * 86_400 + 86_400, "3y1d"),
            (9 * 365 * 86_400, "9y"),
        ] {
            assert_eq!(age(seconds), expected, "{seconds}");
        }
    }
}
