//! Durations as Go's `time.ParseDuration` reads them.

use std::time::Duration;

/// Parses `1h30m`, `2.5s`, `300ms`; `None` for anything else, for signs, and for what does not fit in 64 bits of nanoseconds.
pub fn parse_duration(text: &str) -> Option<Duration> {
    // What a user waits for is never negative, and a sign is a slip.
    let unsigned = !text.starts_with(['+', '-']);
    let nanoseconds = gostd::time::parse_duration(text).ok().filter(|_| unsigned)?;
    u64::try_from(nanoseconds).ok().map(Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_go_reads_them() {
        for (text, nanoseconds) in [
            ("0", 0),
            ("5s", 5_000_000_000),
            ("1h30m", 5_400_000_000_000),
            ("2.5s", 2_500_000_000),
            (".5m", 30_000_000_000),
            ("1.s", 1_000_000_000),
            ("300ms", 300_000_000),
            ("1µs", 1_000),
            ("1h1h", 7_200_000_000_000),
        ] {
            assert_eq!(parse_duration(text), Some(Duration::from_nanos(nanoseconds)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in ["", "5", "s", ".s", "-5s", "+5s", "5 s", "5d", "1.2.3s", "3000000h", "5sx", "1e3s"] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
    }
}
