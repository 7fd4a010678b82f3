//! What processes keep in memory, as the kernel tells it.

use std::fs;

/// Deepest tree of processes that is looked at; a model may have started anything.
const DEPTH: u32 = 16;

/// The resident memory of a process and of those that it started, in bytes.
pub(crate) fn of_tree(process: u32, depth: u32) -> u64 {
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap_or_default();
    let children = children.split_whitespace().filter_map(|word| word.parse().ok());
    let inner: u64 = if depth < DEPTH { children.take(1000).map(|child| of_tree(child, depth + 1)).sum() } else { 0 };
    inner + of_one(process)
}

fn of_one(process: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()).and_then(|word| word.parse::<u64>().ok());
    kilobytes.unwrap_or(0) * 1024
}
