//! Processes that are measured: each with all its descendants, and stopped with them.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

use crate::run::output;

/// The clock ticks of a second in /proc (fixed to 100 in Linux's interface).
const TICKS: f64 = 100.0;
/// How long a server may take to end in order.
const ENDING: Duration = Duration::from_secs(20);

/// A program that this bench started. It is stopped, with its descendants, when the value goes.
pub(super) struct Server {
    /// Its first process.
    pub(super) child: Child,
    signal: &'static str,
}

impl Server {
    /// Starts a command, which ends in order on SIGTERM.
    pub(super) fn spawn(command: &mut Command) -> Result<Self> {
        let shown = command.get_program().to_string_lossy().into_owned();
        let child = command.spawn().with_context(|| format!("cannot start {shown}"))?;
        Ok(Self { child, signal: "-TERM" })
    }

    /// Starts a command, which ends in order on SIGINT.
    pub(super) fn interrupted(command: &mut Command) -> Result<Self> {
        let mut server = Self::spawn(command)?;
        server.signal = "-INT";
        Ok(server)
    }

    /// Starts Flyball on a free port, and reads its address from the line that it prints when it is ready.
    pub(super) fn flyball(binary: &Path, arguments: &[&str]) -> Result<(Self, String)> {
        let mut command = Command::new(binary);
        command.args(["serve", "--port", "0"]).args(arguments).stdout(Stdio::piped());
        let mut server = Self::spawn(&mut command)?;
        let mut line = String::new();
        BufReader::new(server.child.stdout.take().context("no output")?).read_line(&mut line)?;
        let address = line.trim().rsplit_once("http://").context("the server told no address")?.1.to_owned();
        Ok((server, address))
    }

    /// CPU seconds so far of the whole tree, ended descendants included.
    pub(super) fn cpu(&self) -> f64 {
        self.tree().iter().map(|process| process.cpu).sum()
    }

    /// Megabytes of the whole tree; a page that several processes share counts once (PSS).
    pub(super) fn memory(&self) -> f64 {
        self.tree().iter().filter_map(|process| proportional(process.pid)).sum()
    }

    fn tree(&self) -> Vec<Process> {
        let mut by_parent: HashMap<u32, Vec<Process>> = HashMap::new();
        let mut tree = Vec::new();
        for process in processes() {
            if process.pid == self.child.id() {
                tree.push(process);
            } else {
                by_parent.entry(process.parent).or_default().push(process);
            }
        }
        let mut next = 0;
        while let Some(process) = tree.get(next) {
            tree.extend(by_parent.remove(&process.pid).unwrap_or_default());
            next += 1;
        }
        tree
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        let tree = self.tree();
        signal(self.signal, self.child.id());
        let asked = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) && asked.elapsed() < ENDING {
            std::thread::sleep(Duration::from_millis(20));
        }
        // A descendant may outlive its parent; the time of its start tells it from a stranger with the same number.
        let alive: Vec<(u32, u64)> = processes().map(|process| (process.pid, process.started)).collect();
        for process in tree.iter().filter(|process| alive.contains(&(process.pid, process.started))) {
            signal("-KILL", process.pid);
        }
        drop(self.child.wait());
    }
}

fn signal(signal: &str, pid: u32) {
    drop(Command::new("kill").args([signal, &pid.to_string()]).stderr(Stdio::null()).status());
}

/// What /proc tells of a process.
struct Process {
    pid: u32,
    parent: u32,
    /// Seconds of its own and of its ended children.
    cpu: f64,
    /// Ticks after the machine's start.
    started: u64,
}

fn processes() -> impl Iterator<Item = Process> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let fields = stat(pid)?;
        let number = |position: usize| fields.get(position)?.parse::<u64>().ok();
        let ticks: u64 = (11..=14).filter_map(number).sum();
        Some(Process {
            pid,
            parent: number(1).and_then(|parent| u32::try_from(parent).ok())?,
            cpu: ticks as f64 / TICKS,
            started: number(19)?,
        })
    })
}

/// The fields of /proc/PID/stat behind the name: state, parent and so on.
fn stat(pid: u32) -> Option<Vec<String>> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    Some(stat.rsplit_once(')')?.1.split_whitespace().map(str::to_owned).collect())
}

fn proportional(pid: u32) -> Option<f64> {
    megabytes(&format!("/proc/{pid}/smaps_rollup"), "Pss:")
}

/// CPU seconds and peak resident megabytes of one process so far.
pub(super) fn usage(pid: u32) -> Option<(f64, f64)> {
    let fields = stat(pid)?;
    let ticks = |position: usize| fields.get(position)?.parse::<f64>().ok();
    Some(((ticks(11)? + ticks(12)?) / TICKS, megabytes(&format!("/proc/{pid}/status"), "VmHWM:")?))
}

/// Resident megabytes of one process.
pub(super) fn resident(pid: u32) -> Option<f64> {
    megabytes(&format!("/proc/{pid}/status"), "VmRSS:")
}

fn megabytes(file: &str, field: &str) -> Option<f64> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(field))?;
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").parse().ok()?;
    Some(kilobytes / 1024.0)
}

/// Whether this process is root, which PostgreSQL refuses to run as.
pub(super) fn is_root() -> bool {
    output(Command::new("id").arg("-u")).is_some_and(|id| id.trim() == "0")
}
