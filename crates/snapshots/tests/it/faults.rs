//! Full disks, killed processes, and several at once.

use std::fs::File;
use std::ops::Range;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use flyball_core::{ErrorCode, Result};
use flyball_snapshots::Project;
use flyball_snapshots::storage::{Folder, Listed, Staged, Storage};

use crate::world::{STORE, World, images, noise, said};

/// A folder on a disk that is full after so many writes.
#[derive(Debug)]
struct Full {
    inner: Folder,
    left: AtomicUsize,
}

impl Full {
    fn has_room(&self) -> bool {
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }

    /// What writing to a full disk says.
    fn error(&self) -> flyball_core::Error {
        flyball_core::Error::new(ErrorCode::StorageFull, "the disk is full")
    }
}

impl Storage for Full {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        self.inner.get(key)
    }

    fn get_range(&self, key: &str, range: Range<u64>) -> Result<Vec<u8>> {
        self.inner.get_range(key, range)
    }

    fn put(&self, key: &str, bytes: &[u8]) -> Result<()> {
        if self.has_room() { self.inner.put(key, bytes) } else { Err(self.error()) }
    }

    fn stage(&self) -> Result<Staged> {
        let staged = self.inner.stage()?;
        if self.has_room() {
            return Ok(staged);
        }
        // Every write to this device says that there is no room.
        Ok(Staged::new(File::options().read(true).write(true).open("/dev/full").unwrap(), "/nowhere".into()))
    }

    fn keep(&self, staged: Staged, key: &str) -> Result<()> {
        if self.has_room() { self.inner.keep(staged, key) } else { Err(self.error()) }
    }

    fn list(&self, folder: &str) -> Result<Vec<Listed>> {
        self.inner.list(folder)
    }

    fn delete(&self, key: &str) -> Result<()> {
        self.inner.delete(key)
    }

    fn swap(&self, key: &str, expected: Option<&[u8]>, new: &[u8]) -> Result<bool> {
        if self.has_room() { self.inner.swap(key, expected, new) } else { Err(self.error()) }
    }
}

#[test]
fn a_disk_that_fills_up_at_any_moment_leaves_the_version_before() {
    for room in 0.. {
        let world = World::with(&[("a", "one")]);
        let before = world.open().log(&images(), None, 10).unwrap();
        world.write("images/a", "two");
        world.write("images/b", noise(2_000_000, 1));
        let inner = Folder::open(&world.at(STORE)).unwrap();
        let full = Arc::new(Full { inner, left: AtomicUsize::new(room) });
        let project = world.open().with_storage(full.clone());
        let done = project.add(None, None).and_then(|_| project.commit(&images(), &said("two")));
        match done {
            Err(error) => {
                assert_eq!(error.code(), ErrorCode::StorageFull, "{error:?}");
                let after = world.open();
                assert_eq!(after.log(&images(), None, 10).unwrap().len(), before.len());
                assert!(after.verify().unwrap().is_sound());
                assert_eq!(world.objects(".flyball/snapshots/staging").len(), 0);
            }
            Ok(_) => {
                assert!(room > 5, "{room}");
                return;
            }
        }
        // Once there is room, the same commands do it.
        world.commit("two");
        assert!(world.open().verify().unwrap().is_sound() && world.status().is_clean());
    }
}

/// What the child does, if this process is one.
const CHILD: &str = "FLYBALL_SNAPSHOTS_CHILD";

/// Runs an operation on the world in a process of its own: this test again, which finds what to do in its environment.
fn child(world: &World, operation: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["faults::the_child_of_other_tests", "--exact", "--ignored", "--nocapture"]);
    command.env(CHILD, operation).current_dir(world.path()).stdout(Stdio::null()).stderr(Stdio::null());
    command
}

#[test]
#[ignore = "the process that other tests start"]
fn the_child_of_other_tests() {
    let Ok(operation) = std::env::var(CHILD) else { return };
    let folder = std::env::current_dir().unwrap();
    let clock = Arc::new(flyball_core::SystemClock::default());
    let project = Project::open(&folder, &folder.join(".flyball"), clock, Vec::new()).unwrap();
    match operation.split_once(' ') {
        Some(("push", remote)) => drop(project.push(&images(), Some(remote), None).unwrap()),
        Some(("commit", message)) => {
            project.add(Some("images"), None).unwrap();
            project.commit(&images(), &said(message)).unwrap();
        }
        Some(("checkout", version)) => {
            let wanted = flyball_snapshots::Checkout {
                version: Some(version.to_owned()),
                ..flyball_snapshots::Checkout::default()
            };
            project.checkout(&images(), &wanted).unwrap();
        }
        _ => panic!("{operation}"),
    }
}

/// Starts an operation, and kills it after a while that grows with each round, until it was not killed in time.
fn killed_again_and_again(world: &World, operation: &str, check: impl Fn()) -> usize {
    for round in 0..100 {
        let mut process = child(world, operation).spawn().unwrap();
        std::thread::sleep(Duration::from_millis(4 + round * 12));
        let ended = process.try_wait().unwrap();
        process.kill().unwrap();
        let status = ended.unwrap_or(process.wait().unwrap());
        check();
        if status.success() {
            return round as usize;
        }
    }
    panic!("it never came to an end: {operation}")
}

fn many_files(world: &World) {
    (0..2000).for_each(|n| world.write(&format!("images/{}/{n}.txt", n % 20), format!("file {n}")));
    (0..6).for_each(|n| world.write(&format!("images/large/{n}.bin"), noise(10_000_000, n)));
}

#[test]
fn a_killed_commit_leaves_no_half_version_and_is_done_again() {
    let world = World::with(&[("a", "one")]);
    many_files(&world);
    let killed = killed_again_and_again(&world, "commit many", || {
        let project = world.open();
        assert!(project.verify().unwrap().is_sound());
        let log = project.log(&images(), None, 10).unwrap();
        assert!(matches!(log.len(), 1 | 2));
    });
    assert!(killed > 0, "it was killed at least once");
    let log = world.open().log(&images(), None, 10).unwrap();
    assert_eq!((log.len(), log[0].commit.stats.files), (2, 2007));
    assert!(world.status().is_clean());
}

#[test]
fn a_killed_push_is_not_seen_and_goes_on() {
    let world = World::with(&[("a", "one")]);
    many_files(&world);
    world.commit("many");
    let remote = world.at("remote").display().to_string();
    let killed = killed_again_and_again(&world, &format!("push {remote}"), || {
        let other = World::new();
        match other.open().pull(&images(), Some(&remote), None) {
            Ok(pulled) => assert_eq!(other.open().log(&images(), Some("main"), 10).unwrap()[0].id, pulled.commit),
            Err(error) => assert_eq!(error.code(), ErrorCode::NotFound, "{error:?}"),
        }
    });
    assert!(killed > 0, "it was killed at least once");
    assert!(world.open().verify_remote(None).unwrap().is_sound());
}

#[test]
fn a_killed_checkout_goes_on() {
    let world = World::with(&[("a", "one")]);
    many_files(&world);
    world.commit("many");
    let whole = world.tree("images");
    world.checkout("main~1").unwrap();
    let killed = killed_again_and_again(&world, "checkout main", || {});
    assert!(killed > 0, "it was killed at least once");
    assert!(world.tree("images") == whole);
    assert!(world.status().is_clean());
}

#[test]
fn commits_of_several_processes_come_one_after_the_other() {
    let world = World::with(&[("a", "one")]);
    (0..50).for_each(|n| world.write(&format!("images/{n}"), n.to_string()));
    let mut children: Vec<_> = (0..6).map(|n| child(&world, &format!("commit by {n}")).spawn().unwrap()).collect();
    assert!(children.iter_mut().all(|child| child.wait().unwrap().success()));
    let log = world.open().log(&images(), None, 10).unwrap();
    assert_eq!(log.len(), 2, "one made the version, the others found nothing to do");
    assert!(world.open().verify().unwrap().is_sound());
}

#[test]
fn of_pushes_at_the_same_time_one_wins_and_nothing_is_lost() {
    let remote = tempfile::tempdir().unwrap();
    let remote = remote.path().display().to_string();
    let origin = World::with(&[("a", "one")]);
    origin.open().push(&images(), Some(&remote), None).unwrap();
    let worlds: Vec<World> = (0..4)
        .map(|n| {
            let world = World::new();
            world.open().pull(&images(), Some(&remote), None).unwrap();
            world.checkout("main").unwrap();
            world.write(&format!("images/{n}"), n.to_string());
            world.commit(&format!("by {n}"));
            world
        })
        .collect();
    let mut children: Vec<_> =
        worlds.iter().map(|world| child(world, &format!("push {remote}")).spawn().unwrap()).collect();
    let won: Vec<bool> = children.iter_mut().map(|child| child.wait().unwrap().success()).collect();
    assert_eq!(won.iter().filter(|won| **won).count(), 1, "{won:?}");
    origin.open().pull(&images(), None, None).unwrap();
    let log = origin.open().log(&images(), Some("main"), 10).unwrap();
    let winner = won.iter().position(|won| *won).unwrap();
    assert_eq!((log.len(), log[0].commit.message.as_str()), (2, format!("by {winner}").as_str()));
}
