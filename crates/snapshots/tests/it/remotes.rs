//! Remotes: folders and a bucket of a real S3 server.

use std::fs;

use flyball_core::ErrorCode;
use flyball_snapshots::{Checkout, ReferenceKind};
use flyball_testkit::S3Server;

use crate::world::{World, images, noise};

/// A second project that took everything from a remote.
fn clone(remote: &str, settings: &[(String, String)]) -> World {
    let other = World::new();
    let project = other.open_with(settings.to_vec());
    project.pull(&images(), Some(remote), None).unwrap();
    project.checkout(&images(), &Checkout::default()).unwrap();
    other
}

fn goes_there_and_back(remote: &str, settings: &[(String, String)]) {
    let world = World::with(&[("a", "one"), ("train/b", "two")]);
    world.write("images/large.bin", noise(9_000_000, 3));
    world.commit("large");
    let project = world.open_with(settings.to_vec());
    project.make(ReferenceKind::Tag, &images(), "v1", None).unwrap();
    let first = project.push(&images(), Some(remote), None).unwrap();
    assert_eq!((first.commits, first.tags.as_slice()), (2, ["v1".to_owned()].as_slice()));
    assert!(first.bytes > 9_000_000);
    // The address is remembered, and nothing is sent twice.
    let again = project.push(&images(), None, None).unwrap();
    assert_eq!((again.commits, again.chunks, again.tags.len()), (0, 0, 0));

    let other = clone(remote, settings);
    assert_eq!(other.tree("images"), world.tree("images"));
    assert_eq!(other.open().log(&images(), None, 10).unwrap().len(), 2);
    assert_eq!(other.open().tags(&images()).unwrap().len(), 1);

    other.write("images/train/c", "three");
    other.commit("from elsewhere");
    let back = other.open_with(settings.to_vec()).push(&images(), None, None).unwrap();
    assert_eq!(back.commits, 1);
    assert!(back.bytes < 10_000, "{}", back.bytes);
    // Who does not have that version yet may not push over it.
    world.write("images/a", "changed");
    world.commit("at the same time");
    let error = project.push(&images(), None, None).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Conflict, "{error}");
    let error = project.pull(&images(), None, None).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Conflict);
    assert_eq!(project.log(&images(), Some("origin/main"), 1).unwrap()[0].commit.message, "from elsewhere");
    assert_eq!(project.log(&images(), None, 1).unwrap()[0].commit.message, "at the same time");
    project.push(&images(), None, Some("main")).unwrap_err();
    assert!(project.verify_remote(None).unwrap().is_sound());
}

#[test]
fn a_folder_is_a_remote() {
    let folder = tempfile::tempdir().unwrap();
    goes_there_and_back(&folder.path().join("team/data").display().to_string(), &[]);
}

#[test]
fn a_bucket_is_a_remote() {
    let server = S3Server::start();
    goes_there_and_back("s3://flyball/team", &server.settings());
}

#[test]
fn a_remote_that_is_wrong_is_told() {
    let world = World::with(&[("a", "one")]);
    let project = world.open();
    assert_eq!(project.push(&images(), None, None).unwrap_err().code(), ErrorCode::InvalidInput);
    for (address, code) in [
        ("gopher://x", ErrorCode::InvalidInput),
        ("s3://", ErrorCode::InvalidInput),
        ("s3://user:secret@bucket/x", ErrorCode::InvalidInput),
    ] {
        assert_eq!(project.push(&images(), Some(address), None).unwrap_err().code(), code, "{address}");
    }
    let empty = world.at("empty").display().to_string();
    let error = World::new().open().pull(&images(), Some(&empty), None).unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotFound, "{error}");
}

#[test]
fn what_was_sent_before_it_broke_off_is_not_sent_again() {
    let world = World::with(&[("a", "one")]);
    (0..5).for_each(|n| world.write(&format!("images/{n}.bin"), noise(40_000_000, n)));
    world.commit("large");
    let remote = world.at("remote");
    let project = world.open();
    project.push(&images(), Some(&remote.display().to_string()), None).unwrap();
    // As it would be, had it broken off after a few packs.
    for folder in ["commits", "manifests", "refs"] {
        fs::remove_dir_all(remote.join(folder)).unwrap();
    }
    let packs = world.objects("remote");
    let indexes: Vec<_> = packs.iter().filter(|path| path.extension().is_some_and(|end| end == "idx")).collect();
    assert!(indexes.len() > 3);
    fs::remove_file(indexes[0]).unwrap();
    let again = project.push(&images(), None, None).unwrap();
    assert!(again.bytes < 70_000_000, "only what the lost pack had: {}", again.bytes);
    let other = clone(&remote.display().to_string(), &[]);
    assert_eq!(other.tree("images"), world.tree("images"));
}

#[test]
fn a_second_branch_goes_along() {
    let world = World::with(&[("a", "one")]);
    let remote = world.at("remote").display().to_string();
    let project = world.open();
    project.push(&images(), Some(&remote), None).unwrap();
    project.make(ReferenceKind::Branch, &images(), "relabel", None).unwrap();
    world.checkout("relabel").unwrap();
    world.write("images/a", "two");
    world.commit("relabelled");
    assert_eq!(project.push(&images(), None, None).unwrap().branch, "relabel");
    let other = clone(&remote, &[]);
    assert_eq!(fs::read_to_string(other.at("images/a")).unwrap(), "one");
    other.open().fetch(&images(), None, Some("relabel")).unwrap();
    let wanted = Checkout { version: Some("relabel".to_owned()), ..Checkout::default() };
    assert_eq!(other.open().checkout(&images(), &wanted).unwrap().branch.as_deref(), Some("relabel"));
    assert_eq!(fs::read_to_string(other.at("images/a")).unwrap(), "two");
}
