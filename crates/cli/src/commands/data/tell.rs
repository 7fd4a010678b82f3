//! What people read of versions of files.

use flyball_core::Name;
use flyball_snapshots::{
    Added, Change, ChangeKind, CheckedOut, Collected, Committed, Diff, Exported, Imported, Logged, Reference, State,
    Status, Transferred, Verified,
};

use crate::output::aligned;

/// How many files of a list are told; `--json` has them all.
const FILES: usize = 40;

/// Bytes as people read them.
fn size(bytes: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (bytes as f64, 0);
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

fn count(number: u64, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// The parts that are more than nothing.
fn parts(parts: &[(u64, &str)]) -> String {
    let told: Vec<String> =
        parts.iter().filter(|(number, _)| *number > 0).map(|(number, what)| format!("{number} {what}")).collect();
    if told.is_empty() { "nothing changed".to_owned() } else { told.join(", ") }
}

pub(super) fn added(added: &Added) -> String {
    let changed = parts(&[(added.added, "new"), (added.modified, "modified"), (added.removed, "deleted")]);
    let mut text = format!(
        "{}: {changed}; {} with {}, {} stored\n",
        added.dataset,
        count(added.files, "file"),
        size(added.bytes),
        size(added.bytes_stored)
    );
    if added.added + added.modified + added.removed > 0 {
        text.push_str(&format!("  next: flyball data commit {} -m MESSAGE\n", added.dataset));
    }
    text
}

pub(super) fn committed(done: &Committed) -> String {
    let id = done.commit.short();
    if done.unchanged {
        return format!("{}: nothing to commit; {id} on {} has these files\n", done.dataset, done.branch);
    }
    let stats = &done.stats;
    let changed = parts(&[(stats.added, "new"), (stats.modified, "modified"), (stats.removed, "deleted")]);
    format!(
        "{}: {id} on {}: {changed}; {} with {}\n",
        done.dataset,
        done.branch,
        count(stats.files, "file"),
        size(stats.bytes)
    )
}

pub(super) fn log(name: &Name, log: &[Logged]) -> String {
    if log.is_empty() {
        return format!("{name} has no version yet\n");
    }
    let mut rows = vec![titles(&["version", "created", "by", "files", "size", "changes", "message", "names"])];
    for one in log {
        let stats = &one.commit.stats;
        rows.push(vec![
            one.id.short(),
            one.commit.time.to_string().chars().take(16).collect(),
            one.commit.author.clone(),
            stats.files.to_string(),
            size(stats.bytes),
            format!("+{} ~{} -{}", stats.added, stats.modified, stats.removed),
            one.commit.message.lines().next().unwrap_or_default().to_owned(),
            one.names.join(", "),
        ]);
    }
    aligned(&rows)
}

fn titles(titles: &[&str]) -> Vec<String> {
    titles.iter().map(|title| (*title).to_owned()).collect()
}

pub(super) fn diff(diff: &Diff, stat: bool) -> String {
    if diff.changes.is_empty() {
        return "nothing differs\n".to_owned();
    }
    let mut text = String::new();
    if !stat {
        let mut rows = vec![titles(&["change", "file", "before", "after"])];
        for change in diff.changes.iter().take(FILES) {
            let bytes = |bytes: Option<u64>| bytes.map_or("–".to_owned(), size);
            let path = match &change.from {
                Some(from) => format!("{from} → {}", change.path),
                None => change.path.to_string(),
            };
            rows.push(vec![word(change.kind).to_owned(), path, bytes(change.size_before), bytes(change.size_after)]);
        }
        text.push_str(&aligned(&rows));
        text.push_str(&more(diff.changes.len()));
    }
    let kinds = [ChangeKind::Added, ChangeKind::Modified, ChangeKind::Renamed, ChangeKind::Removed];
    let told: Vec<String> = kinds
        .into_iter()
        .filter_map(|kind| {
            let (files, bytes) = diff.total(kind);
            let grown = u64::try_from(bytes.unsigned_abs()).unwrap_or(u64::MAX);
            let sign = if bytes < 0 { "-" } else { "+" };
            (files > 0).then(|| format!("{files} {} ({sign}{})", word(kind), size(grown)))
        })
        .collect();
    text.push_str(&format!("{}\n", told.join(", ")));
    text
}

fn word(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Added => "added",
        ChangeKind::Removed => "removed",
        ChangeKind::Modified => "modified",
        ChangeKind::Renamed => "renamed",
    }
}

fn more(count: usize) -> String {
    if count > FILES { format!("… and {} more; --json has them all\n", count - FILES) } else { String::new() }
}

pub(super) fn checked_out(done: &CheckedOut) -> String {
    let at = done.branch.as_ref().map(|branch| format!(" ({branch})")).unwrap_or_default();
    let changed = match (done.written, done.removed) {
        (0, 0) => "nothing to do".to_owned(),
        (written, removed) => parts(&[(written, "written"), (removed, "deleted")]),
    };
    let mut text =
        format!("{}: {}{at} in {}: {changed}, {} unchanged", done.dataset, done.commit.short(), done.path, done.kept);
    if done.changed > 0 {
        text.push_str(&format!(", {} with local changes left as they are", done.changed));
    }
    text.push('\n');
    text
}

pub(super) fn statuses(statuses: &[Status]) -> String {
    if statuses.is_empty() {
        return "no dataset yet\n  next: flyball data add FOLDER\n".to_owned();
    }
    statuses.iter().map(status).collect::<Vec<_>>().join("\n")
}

fn status(status: &Status) -> String {
    let version = status.commit.map_or("no version yet".to_owned(), |id| id.short());
    let branch = status.branch.as_deref().unwrap_or("no branch");
    let name = &status.dataset;
    let mut text = format!("{name}: {version} ({branch}) in {}\n", status.path);
    if !status.checked_out {
        text.push_str(&format!("  its files are not in the folder\n  next: flyball data checkout {name}\n"));
        return text;
    }
    if status.is_clean() {
        text.push_str(&format!("  nothing changed: {} with {}\n", count(status.files, "file"), size(status.bytes)));
        return text;
    }
    if !status.added.is_empty() {
        text.push_str(&format!("  added, next: flyball data commit {name} -m MESSAGE\n{}", changes(&status.added)));
    }
    if !status.changed.is_empty() {
        text.push_str(&format!("  not added, next: flyball data add {name}\n{}", changes(&status.changed)));
    }
    text
}

fn changes(changes: &[Change]) -> String {
    let row = |change: &Change| {
        let state = match change.state {
            State::New => "new",
            State::Modified => "modified",
            State::Deleted => "deleted",
        };
        let bytes = if change.state == State::Deleted { String::new() } else { size(change.size) };
        vec![format!("    {state}"), change.path.to_string(), bytes]
    };
    let rows: Vec<Vec<String>> = changes.iter().take(FILES).map(row).collect();
    let rest = more(changes.len());
    format!("{}{}{rest}", aligned(&rows), if rest.is_empty() { "" } else { "    " })
}

pub(super) fn transferred(done: &Transferred, went: &str) -> String {
    let id = done.commit.short();
    let tags = if done.tags.is_empty() { String::new() } else { format!(", tags {}", done.tags.join(", ")) };
    if done.commits == 0 {
        return format!("{}: {} at {id}, nothing to move{tags}\n", done.dataset, done.branch);
    }
    format!(
        "{}: {} at {id} {went} {}: {}, {} in {}{tags}\n",
        done.dataset,
        done.branch,
        done.remote,
        count(done.commits, "version"),
        size(done.bytes),
        count(done.chunks, "chunk")
    )
}

pub(super) fn collected(done: &Collected) -> String {
    let verb = if done.dry_run { "would be" } else { "are" };
    format!(
        "{} {verb} free: {}, {}, {}; {} packed anew; {} stay\n",
        size(done.bytes),
        count(done.commits, "version"),
        count(done.chunks, "chunk"),
        count(done.packs, "pack"),
        done.repacked,
        size(done.bytes_kept)
    )
}

pub(super) fn verified(verified: &Verified) -> String {
    let read = format!(
        "{}, {} in {}, {} read",
        count(verified.commits, "version"),
        count(verified.chunks, "chunk"),
        count(verified.packs, "pack"),
        size(verified.bytes)
    );
    if verified.is_sound() {
        return format!("sound: {read}\n");
    }
    let mut rows = vec![titles(&["version", "file", "what is wrong"])];
    for problem in verified.problems.iter().take(FILES) {
        let cell = |text: &Option<String>| text.clone().unwrap_or_else(|| "–".to_owned());
        rows.push(vec![cell(&problem.version), cell(&problem.file), problem.what.clone()]);
    }
    format!("{}{}{read}\n", aligned(&rows), more(verified.problems.len()))
}

pub(super) fn exported(done: &Exported) -> String {
    let files = count(done.files, "file");
    format!("{}: {} to {}: {files} with {}\n", done.dataset, done.commit.short(), done.to.display(), size(done.bytes))
}

pub(super) fn references(references: &[Reference]) -> String {
    if references.is_empty() {
        return "nothing yet\n".to_owned();
    }
    let row =
        |one: &Reference| vec![if one.current { "*" } else { " " }.to_owned(), one.name.clone(), one.commit.short()];
    aligned(&references.iter().map(row).collect::<Vec<_>>())
}

pub(super) fn imported(imported: &[Imported]) -> String {
    let mut rows = vec![titles(&["dataset", "folder", "version", "files", "size"])];
    for one in imported {
        rows.push(vec![
            one.dataset.to_string(),
            one.path.clone(),
            one.commit.short(),
            one.files.to_string(),
            size(one.bytes),
        ]);
    }
    format!("{}  next: flyball data checkout DATASET\n", aligned(&rows))
}
