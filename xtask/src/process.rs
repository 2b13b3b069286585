//! What a process has cost, from `/proc`.
use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

/// CPU time in user and kernel mode since the process started, in ticks of 10 ms.
///
/// # Errors
/// When there is no such process, or no `/proc`.
pub fn cpu_time(pid: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).with_context(|| format!("process {pid}"))?;
    parse_ticks(&stat).context("/proc/PID/stat").map(|ticks| {
        let per_second = rustix::param::clock_ticks_per_second();
        Duration::from_secs_f64(ticks as f64 / per_second as f64)
    })
}

/// The largest resident set that the process has had so far, in bytes.
///
/// # Errors
/// As [`cpu_time`].
pub fn peak_memory(pid: u32) -> Result<u64> {
    let status =
        fs::read_to_string(format!("/proc/{pid}/status")).with_context(|| format!("process {pid}"))?;
    parse_peak(&status).context("VmHWM in /proc/PID/status")
}

/// `utime` and `stime`, the 14th and 15th field. The second is the program's name in parentheses, which may
/// itself hold spaces and parentheses: count from the last one.
fn parse_ticks(stat: &str) -> Option<u64> {
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u64 = fields.next()?.parse().ok()?;
    let kernel: u64 = fields.next()?.parse().ok()?;
    Some(user + kernel)
}

fn parse_peak(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok().map(|kib| kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_behind_an_odd_name() {
        let stat = "7 (a) b) S 1 7 7 0 -1 4194560 1 2 3 4 120 30 0 0 20 0 4 0 100 1 1";
        assert_eq!(parse_ticks(stat), Some(150));
        assert_eq!(parse_peak("Name:\tx\nVmHWM:\t    2048 kB\n"), Some(2 * 1024 * 1024));
        assert_eq!(parse_peak("Name:\tx\n"), None);
    }

    #[test]
    fn our_own_process_has_both() {
        let pid = std::process::id();
        assert!(cpu_time(pid).is_ok());
        assert!(peak_memory(pid).expect("Linux") > 100 * 1024);
    }
}
