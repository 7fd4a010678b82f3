//! Flipped bits, lost objects and remotes that tell less than they have: each is found, and nothing wrong ever arrives.

use std::fs;
use std::path::Path;

use flyball_core::ErrorCode;
use flyball_snapshots::{Checkout, ReferenceKind};

use crate::world::{STORE, World, images, noise};

fn versions() -> World {
    let world = World::with(&[("a", "one"), ("b", "two"), ("train/c", &"compressible ".repeat(100))]);
    world.write("images/large.bin", noise(3_000_000, 1));
    world.commit("large");
    world.open().make(ReferenceKind::Tag, &images(), "v1", None).unwrap();
    world
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 0x10;
    fs::write(path, bytes).unwrap();
}

#[test]
fn any_flipped_bit_is_found() {
    let world = versions();
    assert!(world.open().verify().unwrap().is_sound());
    let mut flips = 0;
    for path in world.objects(STORE) {
        let length = fs::metadata(&path).unwrap().len() as usize;
        let places = if length < 400 { (0..length).step_by(7).collect() } else { vec![0, 9, length / 3, length - 2] };
        for at in places {
            let whole = fs::read(&path).unwrap();
            flip(&path, at);
            let verified = world.open().verify().unwrap();
            assert!(!verified.is_sound(), "byte {at} of {}", path.display());
            fs::write(&path, whole).unwrap();
            flips += 1;
        }
    }
    assert!(flips > 60, "{flips}");
    assert!(world.open().verify().unwrap().is_sound());
    let index = world.at(".flyball/snapshots/index/images");
    flip(&index, 50);
    assert!(!world.open().verify().unwrap().is_sound());
    assert_eq!(world.open().status(&images()).unwrap_err().code(), ErrorCode::InvalidData);
}

#[test]
fn a_lost_object_is_found() {
    let world = versions();
    for path in world.objects(STORE) {
        // A branch or tag that is not there is one that was deleted.
        if path.starts_with(world.at(STORE).join("refs")) {
            continue;
        }
        let whole = fs::read(&path).unwrap();
        fs::remove_file(&path).unwrap();
        assert!(!world.open().verify().unwrap().is_sound(), "{}", path.display());
        fs::write(&path, &whole[..whole.len() / 2]).unwrap();
        assert!(!world.open().verify().unwrap().is_sound(), "half of {}", path.display());
        fs::write(&path, whole).unwrap();
    }
}

#[test]
fn a_damaged_file_is_told_by_its_path_and_version() {
    let world = versions();
    let packs = world.objects(STORE);
    let largest = packs.iter().max_by_key(|path| path.metadata().unwrap().len()).unwrap();
    flip(largest, 1_500_000);
    let verified = world.open().verify().unwrap();
    let head = world.open().dataset(&images()).unwrap().commit.unwrap();
    let told: Vec<_> =
        verified.problems.iter().map(|problem| (problem.file.as_deref(), problem.version.as_deref())).collect();
    assert_eq!(told, [(Some("large.bin"), Some(format!("images@{}", head.short()).as_str()))]);
    // The damage stays where it is: other files come, this one does not, not even in part.
    fs::remove_dir_all(world.at("images")).unwrap();
    let error = world.checkout("main").unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidData, "{error}");
    assert!(!world.at("images/large.bin").exists());
    let rest = Checkout { selection: crate::world::only("train"), ..Checkout::default() };
    world.open().checkout(&images(), &rest).unwrap();
}

#[test]
fn a_remote_that_is_damaged_or_truncates_gives_nothing_wrong() {
    let world = versions();
    let remote = world.at("remote").display().to_string();
    world.open().push(&images(), Some(&remote), None).unwrap();
    for path in world.objects("remote") {
        let whole = fs::read(&path).unwrap();
        for broken in [whole[..whole.len() - 1].to_vec(), whole[..whole.len() / 2].to_vec(), Vec::new()] {
            fs::write(&path, broken).unwrap();
            let other = World::new();
            let Err(error) = other.open().pull(&images(), Some(&remote), None) else {
                // The newline at the end of a reference is no part of what it says, and a tag may be missing.
                assert!(path.starts_with(world.at("remote/refs")), "{}", path.display());
                continue;
            };
            if !path.starts_with(world.at("remote/refs/images/tags")) {
                assert!(matches!(error.code(), ErrorCode::InvalidData | ErrorCode::Unavailable), "{error:?}");
                let branches = other
                    .objects(STORE)
                    .iter()
                    .filter(|path| path.components().any(|part| part.as_os_str() == "refs"))
                    .count();
                assert_eq!(branches, 0, "no branch to something that is not there: {}", path.display());
                // Once the remote is whole again, the same command goes on.
                fs::write(&path, &whole).unwrap();
                other.open().pull(&images(), Some(&remote), None).unwrap();
                assert!(other.open().verify().unwrap().is_sound());
            }
        }
        fs::write(&path, whole).unwrap();
    }
}
