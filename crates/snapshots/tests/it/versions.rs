//! Adding, committing, looking and checking out.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use flyball_core::ErrorCode;
use flyball_snapshots::{ChangeKind, Checkout, Links, Selection};

use crate::world::{World, images, only, said};

#[test]
fn every_version_comes_back_as_it_was() {
    let world = World::with(&[("train/a.txt", "one"), ("train/b.txt", "two"), ("empty", ""), ("readme", "three")]);
    let first = world.tree("images");
    world.write("images/train/a.txt", "changed");
    world.write("images/new/deep/c.txt", "two");
    fs::remove_file(world.at("images/readme")).unwrap();
    assert_eq!(world.changed(), ["New new/deep/c.txt", "Deleted readme", "Modified train/a.txt"]);
    let second = world.commit("the second");
    assert_eq!((second.stats.added, second.stats.modified, second.stats.removed, second.stats.files), (1, 1, 1, 4));
    let changed = world.tree("images");
    assert!(world.status().is_clean());

    let back = world.checkout("main~1").unwrap();
    assert_eq!((back.written, back.removed, back.kept), (2, 1, 2));
    assert_eq!(back.branch, None, "a version that is no branch's end");
    assert_eq!(world.tree("images"), first);
    assert!(!world.at("images/new").exists(), "folders that become empty go");
    assert!(world.status().is_clean());
    world.checkout("main").unwrap();
    assert_eq!(world.tree("images"), changed);

    let log = world.open().log(&images(), None, 10).unwrap();
    let told: Vec<_> = log.iter().map(|one| (one.commit.message.as_str(), one.names.concat())).collect();
    assert_eq!(told, [("the second", "main".to_owned()), ("the first", String::new())]);
    assert_eq!(log[0].commit.author, "ada");
}

#[test]
fn nothing_is_committed_twice_and_nothing_unchanged_is_read_twice() {
    let world = World::with(&[("a", "one"), ("b", "two")]);
    std::thread::sleep(std::time::Duration::from_millis(120));
    let project = world.open();
    project.add(None, None).unwrap();
    let again = project.add(None, None).unwrap();
    assert_eq!((again.bytes_read, again.bytes_stored, again.files), (0, 0, 2));
    let same = project.commit(&images(), &said("again")).unwrap();
    assert!(same.unchanged);
    // A touched file is read, and found to be the same.
    world.write("images/a", "one");
    assert!(world.changed().is_empty());
    let touched = world.open().add(None, None).unwrap();
    assert_eq!((touched.modified, touched.bytes_stored), (0, 0));
    assert!(world.open().commit(&images(), &said("touched")).unwrap().unchanged);
}

#[test]
fn a_change_in_the_same_tick_of_the_clock_with_the_same_size_is_seen() {
    for round in 0..20 {
        let world = World::with(&[("a", "one")]);
        world.write("images/a", "two");
        assert_eq!(world.changed(), ["Modified a"], "round {round}");
        let time = fs::metadata(world.at("images/a")).unwrap().modified().unwrap();
        world.open().add(None, None).unwrap();
        world.write("images/a", "six");
        let file = fs::File::options().write(true).open(world.at("images/a")).unwrap();
        file.set_modified(time).unwrap();
        assert_eq!(world.changed(), ["Modified a"], "who sets the time back is seen, too");
    }
}

#[test]
fn local_changes_are_never_written_over() {
    let world = World::with(&[("a", "one"), ("b", "two"), ("c", "three")]);
    world.write("images/a", "second");
    world.write("images/d", "fourth");
    world.commit("the second");
    world.write("images/a", "mine");
    let error = world.checkout("main~1").unwrap_err();
    assert_eq!(error.code(), ErrorCode::Conflict);
    assert!(error.message().ends_with(": a"), "{error}");
    assert!(world.at("images/d").exists(), "nothing was changed");
    // What was added and not committed counts, too.
    world.open().add(None, None).unwrap();
    assert_eq!(world.checkout("main~1").unwrap_err().code(), ErrorCode::Conflict);
    let forced = Checkout { version: Some("main~1".to_owned()), force: true, ..Checkout::default() };
    world.open().checkout(&images(), &forced).unwrap();
    assert_eq!(fs::read_to_string(world.at("images/a")).unwrap(), "one");
    // A file that was never added stays, and is in the way where the version has another one there.
    world.write("images/e", "mine");
    world.write("images/d", "mine");
    let error = world.checkout("main").unwrap_err();
    assert!(error.message().ends_with(": d"), "{error}");
    world.write("images/d", "fourth");
    world.checkout("main").unwrap();
    assert_eq!(fs::read_to_string(world.at("images/e")).unwrap(), "mine");
    // A file that is gone is no change that could be lost.
    fs::remove_file(world.at("images/b")).unwrap();
    world.checkout("main").unwrap();
    assert_eq!(fs::read_to_string(world.at("images/b")).unwrap(), "two");
}

#[test]
fn some_files_of_a_version_come_beside_those_of_another() {
    let world = World::with(&[("train/a", "one"), ("train/b", "two"), ("test/c", "three")]);
    world.write("images/train/a", "second");
    world.write("images/test/c", "second");
    world.commit("the second");
    let wanted = Checkout { version: Some("main~1".to_owned()), selection: only("train"), ..Checkout::default() };
    let done = world.open().checkout(&images(), &wanted).unwrap();
    assert_eq!((done.written, done.branch.as_deref()), (1, Some("main")));
    assert_eq!(fs::read_to_string(world.at("images/train/a")).unwrap(), "one");
    assert_eq!(fs::read_to_string(world.at("images/test/c")).unwrap(), "second");
    let status = world.status();
    assert!(status.changed.is_empty());
    assert_eq!(status.added.len(), 1, "it is ready to be committed");
    let third = world.commit("train as it was");
    assert_eq!((third.stats.modified, third.stats.files), (1, 3));
}

#[test]
fn a_part_of_a_version_in_an_empty_folder_loses_nothing_of_it() {
    let world = World::with(&[("train/a.png", "one"), ("train/b.txt", "two"), ("test/c.png", "three")]);
    let other = World::new();
    let remote = world.at("remote").display().to_string();
    world.open().push(&images(), Some(&remote), None).unwrap();
    other.open().pull(&images(), Some(&remote), None).unwrap();
    assert!(!other.status().checked_out);
    let wanted = Checkout { selection: only("**/*.png"), ..Checkout::default() };
    assert_eq!(other.open().checkout(&images(), &wanted).unwrap().written, 2);
    assert_eq!(other.tree("images").len(), 2);
    assert!(other.status().is_clean(), "what was not wanted is not missing");
    other.write("images/test/c.png", "new");
    let second = other.commit("one more");
    assert_eq!((second.stats.files, second.stats.modified, second.stats.removed), (3, 1, 0));
    let all = other.open().checkout(&images(), &Checkout::default()).unwrap();
    assert_eq!(all.written, 1);
    assert_eq!(other.tree("images").len(), 3);
}

#[test]
fn what_differs_is_told_between_versions_and_with_the_folder() {
    let world = World::with(&[("a", "one"), ("b", "two"), ("c", "three")]);
    fs::rename(world.at("images/c"), world.at("images/moved")).unwrap();
    world.write("images/a", "longer");
    fs::remove_file(world.at("images/b")).unwrap();
    world.write("images/d", "four");
    let project = world.open();
    let here = project.diff(&images(), None, None, &Selection::default()).unwrap();
    world.commit("the second");
    let between = project.diff(&images(), Some("main~1"), Some("main"), &Selection::default()).unwrap();
    assert_eq!(here.changes, between.changes);
    let told: Vec<_> = between.changes.iter().map(|change| (change.kind, change.path.to_string())).collect();
    let expected = [
        (ChangeKind::Modified, "a"),
        (ChangeKind::Removed, "b"),
        (ChangeKind::Added, "d"),
        (ChangeKind::Renamed, "moved"),
    ];
    assert_eq!(told, expected.map(|(kind, path)| (kind, path.to_owned())));
    assert_eq!(between.total(ChangeKind::Modified), (1, 3));
    let part = project.diff(&images(), Some("main~1"), Some("main"), &only("[ab]")).unwrap();
    assert_eq!(part.changes.len(), 2);
}

#[test]
fn a_dataset_may_be_one_file() {
    let world = World::new();
    world.write("data/rows.csv", "a,b\n1,2\n");
    world.write("data/other.csv", "not meant");
    let project = world.open();
    let added = project.add(Some("data/rows.csv"), Some("rows".parse().unwrap())).unwrap();
    assert_eq!(added.files, 1);
    let rows = "rows".parse().unwrap();
    project.commit(&rows, &said("one")).unwrap();
    world.write("data/rows.csv", "a,b\n");
    project.add(Some("rows"), None).unwrap();
    project.commit(&rows, &said("two")).unwrap();
    project.checkout(&rows, &Checkout { version: Some("main~1".to_owned()), ..Checkout::default() }).unwrap();
    assert_eq!(fs::read_to_string(world.at("data/rows.csv")).unwrap(), "a,b\n1,2\n");
    assert_eq!(fs::read_to_string(world.at("data/other.csv")).unwrap(), "not meant");
}

#[test]
fn datasets_are_found_by_name_and_folder_and_do_not_overlap() {
    let world = World::with(&[("a", "one")]);
    let project = world.open();
    let path = world.at("images").display().to_string();
    for word in [None, Some("images"), Some("images/"), Some("./images"), Some(path.as_str())] {
        assert_eq!(project.find(word).unwrap(), images(), "{word:?}");
    }
    for (word, name) in [("images/inner", "inner"), (".", "all"), ("images", "twice")] {
        fs::create_dir_all(world.at(word)).unwrap();
        let error = project.add(Some(word), Some(name.parse().unwrap())).unwrap_err();
        assert_eq!(error.code(), ErrorCode::AlreadyExists, "{word}");
    }
    for (word, code) in [
        ("../elsewhere", ErrorCode::NotFound),
        ("nothing", ErrorCode::NotFound),
        ("/", ErrorCode::InvalidInput),
        ("..", ErrorCode::InvalidInput),
    ] {
        assert_eq!(project.add(Some(word), None).unwrap_err().code(), code, "{word}");
    }
    world.write("sounds/b", "two");
    project.add(Some("sounds"), None).unwrap();
    assert_eq!(project.find(None).unwrap_err().code(), ErrorCode::InvalidInput);
    let unknown = project.find(Some("words")).unwrap_err();
    assert!(unknown.next_step().unwrap().contains("images, sounds"), "{unknown:?}");
}

#[test]
fn whether_a_file_may_be_run_is_part_of_a_version() {
    let world = World::with(&[("run.sh", "#!/bin/sh\n")]);
    let mode = |world: &World| fs::metadata(world.at("images/run.sh")).unwrap().permissions().mode() & 0o111;
    fs::set_permissions(world.at("images/run.sh"), fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(world.changed(), ["Modified run.sh"]);
    world.commit("may be run");
    world.checkout("main~1").unwrap();
    assert_eq!(mode(&world), 0);
    world.checkout("main").unwrap();
    assert_ne!(mode(&world), 0);
}

#[test]
fn linked_files_share_one_copy_and_a_spoiled_copy_is_made_anew() {
    let world = World::with(&[("a", "one"), ("b", "one"), ("c", "three")]);
    let linked = || Checkout { links: Links::Link, ..Checkout::default() };
    fs::remove_dir_all(world.at("images")).unwrap();
    world.open().checkout(&images(), &linked()).unwrap();
    assert!(world.status().is_clean());
    let first = fs::metadata(world.at("images/a")).unwrap();
    let second = fs::metadata(world.at("images/b")).unwrap();
    let shares_blocks = first.nlink() == 1;
    assert!(shares_blocks || first.ino() == second.ino());
    if !shares_blocks {
        assert_eq!(first.permissions().mode() & 0o222, 0, "whoever writes to it would write to all of them");
        // Somebody who may do everything does it all the same.
        fs::set_permissions(world.at("images/a"), fs::Permissions::from_mode(0o644)).unwrap();
        fs::write(world.at("images/a"), "two").unwrap();
        fs::remove_dir_all(world.at("images")).unwrap();
        world.open().checkout(&images(), &linked()).unwrap();
    }
    assert_eq!(fs::read_to_string(world.at("images/b")).unwrap(), "one");
}
