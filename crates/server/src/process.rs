//! What the kernel says about this process.

/// Memory and processor time of this process.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct ProcessFigures {
    /// Resident memory in bytes.
    pub(crate) resident_bytes: u64,
    /// User and system time in seconds.
    pub(crate) cpu_seconds: f64,
}

/// The figures now, or `None` where there is no `/proc`.
pub(crate) fn figures() -> Option<ProcessFigures> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    parse(&status, &stat)
}

fn parse(status: &str, stat: &str) -> Option<ProcessFigures> {
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: u64 = resident.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    // The fields after the command's name, which may hold anything; user and system time are the 12th and 13th of them,
    // in ticks of 10 ms (the kernel's ABI on every architecture that we build for).
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(ProcessFigures { resident_bytes: kilobytes * 1024, cpu_seconds: ticks as f64 / 100.0 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_texts_are_read() {
        let stat = "12 (a) b) S 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20";
        let figures = parse("Name:\tx\nVmRSS:\t  2048 kB\n", stat).unwrap();
        assert_eq!(figures, ProcessFigures { resident_bytes: 2_097_152, cpu_seconds: 2.0 });
        assert_eq!(parse("", stat), None);
    }
}
