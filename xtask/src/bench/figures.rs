//! Figures as they are reported.
use std::time::Duration;

/// The smallest value that at least `percent` of the values do not exceed; zero where there are none.
pub(super) fn percentile(values: &[Duration], percent: usize) -> Duration {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

/// Prints the median and the 99th percentile, in milliseconds.
pub(super) fn print_latency(name: &str, values: &[Duration]) {
    for percent in [50, 99] {
        println!("{name}_p{percent}_ms: {:.1}", percentile(values, percent).as_secs_f64() * 1000.0);
    }
}

/// Prints a time in seconds.
pub(super) fn print_seconds(name: &str, value: Duration) {
    println!("{name}_seconds: {:.2}", value.as_secs_f64());
}

/// Prints a size in MB of 10^6 bytes.
pub(super) fn print_megabytes(name: &str, bytes: u64) {
    println!("{name}_mb: {:.1}", bytes as f64 / 1e6);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_values_that_occurred() {
        let check = |count: u64, percent: usize, want: u64| {
            let values: Vec<Duration> = (1..=count).rev().map(Duration::from_millis).collect();
            assert_eq!(percentile(&values, percent), Duration::from_millis(want), "p{percent} of {count}");
        };
        check(50, 50, 25);
        check(50, 99, 50);
        check(200, 99, 198);
        check(1, 50, 1);
        check(0, 50, 0);
    }
}
