//! CPU time and memory of this process, as Linux tells them.

use anyhow::{Context, Result};

/// Linux counts CPU time in hundredths of a second for every process that asks by `/proc`.
const TICKS_PER_SECOND: f64 = 100.0;

/// User and system time of all threads since the process began, in seconds, to a hundredth.
pub(crate) fn cpu_seconds() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after_name = stat.rsplit_once(')').context("a strange /proc/self/stat")?.1;
    let ticks: Vec<&str> = after_name.split_whitespace().collect();
    let user: f64 = ticks.get(11).context("no user time")?.parse()?;
    let system: f64 = ticks.get(12).context("no system time")?.parse()?;
    Ok((user + system) / TICKS_PER_SECOND)
}

/// The most memory that the process ever had, in bytes.
pub(crate) fn peak_bytes() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).context("no VmHWM")?;
    let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kilobytes * 1024)
}

/// CPU seconds of one call of `work`, the mean over so many calls that at least half a second is measured.
pub(crate) fn per_call(mut work: impl FnMut()) -> Result<f64> {
    work();
    let begin = cpu_seconds()?;
    let mut calls = 0.0;
    loop {
        work();
        calls += 1.0;
        let spent = cpu_seconds()? - begin;
        if spent >= 0.5 {
            return Ok(spent / calls);
        }
    }
}
