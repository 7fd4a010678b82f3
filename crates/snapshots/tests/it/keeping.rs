//! Garbage collection and export.

use std::collections::BTreeMap;
use std::fs;

use flyball_core::{Digest, Duration, ErrorCode};
use flyball_snapshots::{Checkout, ReferenceKind, Selection};

use crate::world::{STORE, World, images, noise, only};

#[test]
fn what_nothing_names_goes_and_the_rest_stays() {
    let world = World::with(&[("a", "one")]);
    let project = world.open();
    project.make(ReferenceKind::Branch, &images(), "try", None).unwrap();
    world.checkout("try").unwrap();
    world.write("images/large.bin", noise(5_000_000, 1));
    world.commit("a try");
    world.checkout("main").unwrap();
    let before = world.objects(STORE);

    let kept = project.collect(Duration::ZERO, false).unwrap();
    assert_eq!((kept.commits, kept.packs, kept.bytes), (0, 0, 0), "branches name everything");
    project.delete(ReferenceKind::Branch, &images(), "try").unwrap();
    let young = project.collect(Duration::days(1), false).unwrap();
    assert_eq!((young.commits, young.packs), (0, 0), "what is young stays");
    let asked = project.collect(Duration::ZERO, true).unwrap();
    assert_eq!((asked.commits, asked.manifests), (1, 1));
    assert!(asked.bytes > 5_000_000);
    assert_eq!(world.objects(STORE).len() + 1, before.len(), "nothing but the branch is gone");
    let done = project.collect(Duration::ZERO, false).unwrap();
    assert_eq!((done.commits, done.bytes), (1, asked.bytes));
    assert!(world.packed() < 10_000);
    assert!(project.verify().unwrap().is_sound());
    fs::remove_dir_all(world.at("images")).unwrap();
    world.checkout("main").unwrap();
    assert_eq!(fs::read_to_string(world.at("images/a")).unwrap(), "one");
}

#[test]
fn what_was_added_and_not_committed_stays() {
    let world = World::with(&[("a", "one")]);
    world.write("images/b", "two");
    world.write("images/large.bin", noise(3_000_000, 1));
    let project = world.open();
    project.add(None, None).unwrap();
    project.collect(Duration::ZERO, false).unwrap();
    project.commit(&images(), &crate::world::said("late")).unwrap();
    assert!(project.verify().unwrap().is_sound());
}

#[test]
fn packs_of_which_little_is_needed_and_small_ones_are_packed_anew() {
    let world = World::with(&[("a", "one")]);
    let project = world.open();
    project.make(ReferenceKind::Branch, &images(), "try", None).unwrap();
    world.checkout("try").unwrap();
    world.write("images/large.bin", noise(5_000_000, 1));
    world.write("images/kept", noise(500_000, 2));
    world.commit("both");
    world.checkout("main").unwrap();
    world.write("images/kept", noise(500_000, 2));
    world.commit("one of them");
    project.delete(ReferenceKind::Branch, &images(), "try").unwrap();
    let done = project.collect(Duration::ZERO, false).unwrap();
    assert_eq!(done.repacked, 1);
    assert!((500_000..600_000).contains(&world.packed()), "{}", world.packed());
    assert!(project.verify().unwrap().is_sound());

    (0..12).for_each(|n| {
        world.write("images/a", n.to_string());
        world.commit("a small one");
    });
    let packs = |world: &World| fs::read_dir(world.at(STORE).join("packs")).unwrap().count();
    let before = packs(&world);
    assert!(project.collect(Duration::ZERO, false).unwrap().repacked > 16);
    assert!(project.verify().unwrap().is_sound());
    let count = world.objects(STORE).iter().filter(|path| path.extension().is_some_and(|end| end == "pack")).count();
    assert!(count <= 2, "{count} of {before}");
    assert_eq!(project.collect(Duration::ZERO, false).unwrap().repacked, 0, "that is done once");
}

#[test]
fn a_store_with_something_missing_is_not_collected() {
    let world = World::with(&[("a", "one")]);
    let manifest = world.objects(STORE).into_iter().find(|path| path.starts_with(world.at(STORE).join("manifests")));
    fs::remove_file(manifest.unwrap()).unwrap();
    let error = world.open().collect(Duration::ZERO, false).unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidData);
}

#[test]
fn a_remote_is_collected_as_well() {
    let world = World::with(&[("a", "one")]);
    let project = world.open();
    let remote = world.at("remote").display().to_string();
    project.make(ReferenceKind::Branch, &images(), "try", None).unwrap();
    world.checkout("try").unwrap();
    world.write("images/large.bin", noise(3_000_000, 1));
    world.commit("a try");
    project.push(&images(), Some(&remote), Some("main")).unwrap();
    project.push(&images(), None, Some("try")).unwrap();
    fs::remove_file(world.at("remote/refs/images/heads/try")).unwrap();
    let done = project.collect_remote(None, Duration::ZERO, false).unwrap();
    assert_eq!(done.commits, 1);
    assert!(done.bytes > 3_000_000);
    assert!(project.verify_remote(None).unwrap().is_sound());
    assert!(project.verify().unwrap().is_sound(), "what is here stays");
}

#[test]
fn versions_leave_as_folders_and_archives() {
    let world = World::with(&[("train/a", "one"), ("b", "two"), ("empty", "")]);
    world.write("images/large.bin", noise(2_500_000, 1));
    std::os::unix::fs::symlink("b", world.at("images/link")).unwrap();
    world.commit("more");
    let project = world.open();
    let all = Selection::default();
    let exported = project.export(&images(), None, &all, "out/folder".as_ref()).unwrap();
    assert_eq!((exported.files, exported.bytes), (5, 2_500_007));
    assert_eq!(world.tree("out/folder"), world.tree("images"));
    project.export(&images(), Some("main~1"), &only("train"), "part".as_ref()).unwrap();
    assert_eq!(world.tree("part").len(), 1);

    project.export(&images(), None, &all, "all.tar".as_ref()).unwrap();
    let mut archive = tar::Archive::new(fs::File::open(world.at("all.tar")).unwrap());
    let mut found = BTreeMap::new();
    for entry in archive.entries().unwrap() {
        let mut entry = entry.unwrap();
        let path = entry.path_bytes().into_owned();
        let mut content = Vec::new();
        match entry.link_name_bytes() {
            Some(target) => content.extend_from_slice(&target),
            None => drop(std::io::Read::read_to_end(&mut entry, &mut content).unwrap()),
        }
        found.insert(path, Digest::of(&content));
    }
    assert_eq!(found, world.tree("images"));
    for taken in ["all.tar", "out/folder"] {
        let error = project.export(&images(), None, &all, taken.as_ref()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::AlreadyExists, "{taken}");
    }
    project.checkout(&images(), &Checkout::default()).unwrap();
}
