//! A disk that fills up: the command says so, and works once there is room.

use std::path::PathBuf;
use std::process::Command;

use crate::data::Machines;
use crate::product::Project;

/// A file system in memory of a few megabytes; taken down when dropped.
struct SmallDisk {
    at: PathBuf,
}

impl SmallDisk {
    fn new(project: &Project, size: &str) -> Self {
        let at = project.path().join("disk");
        std::fs::create_dir(&at).unwrap();
        let made = Command::new("mount").args(["-t", "tmpfs", "-o", &format!("size={size}"), "none"]).arg(&at).status();
        assert!(
            made.is_ok_and(|status| status.success()),
            "this test mounts a small file system and must run as root, in a container that allows it"
        );
        Self { at }
    }

    fn grow(&self, size: &str) {
        let options = format!("remount,size={size}");
        assert!(Command::new("mount").args(["-o", &options]).arg(&self.at).status().unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let taken_down = Command::new("umount").arg(&self.at).status();
        assert!(std::thread::panicking() || taken_down.is_ok_and(|status| status.success()));
    }
}

#[test]
fn a_full_disk_is_named_and_the_same_command_works_once_there_is_room() {
    let project = Machines { per_day: 60, ..Machines::CALM }.project();
    let undisturbed = Machines { per_day: 60, ..Machines::CALM }.project();
    let disk = SmallDisk::new(&project, "300k");
    let words =
        ["simulate", "--from", "2024-02-15", "--to", "2024-02-28", "--compare", "none", "--data-dir", "disk/state"];
    // Wherever it strikes: at the start, with the data, in the middle of the year.
    let mut refusals = 0;
    for size in ["400k", "500k", "600k", "700k", "800k", "1m", "1200k", "1500k", "2m", "2500k", "3m", "4m"] {
        disk.grow(size);
        let ended = project.run(&[&words[..], &["--json"]].concat());
        if ended.code == Some(0) {
            break;
        }
        assert_eq!(ended.code, Some(1), "{size}: {ended:?}");
        assert_eq!(ended.error()["code"], "storage_full", "{size}: {}", ended.error());
        assert!(ended.error()["hint"].is_string(), "{size}: {}", ended.error());
        refusals += 1;
    }
    assert!(refusals > 0, "the disk never filled up");
    disk.grow("64m");
    assert_eq!(project.json(&words), undisturbed.json(&words), "it ends as if nothing had happened");
}
