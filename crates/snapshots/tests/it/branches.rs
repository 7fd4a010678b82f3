//! Branches, tags, and names of versions.

use flyball_core::ErrorCode;
use flyball_snapshots::{Checkout, ReferenceKind};

use crate::world::{World, images, said};

#[test]
fn branches_move_on_and_tags_stay() {
    let world = World::with(&[("a", "one")]);
    let project = world.open();
    project.make(ReferenceKind::Tag, &images(), "v1", None).unwrap();
    project.make(ReferenceKind::Branch, &images(), "relabel", None).unwrap();
    world.checkout("relabel").unwrap();
    world.write("images/a", "two");
    world.commit("on the branch");
    let at = |word: &str| project.version(&images(), &project.dataset(&images()).unwrap(), word).unwrap();
    assert_eq!(at("main"), at("v1"));
    assert_eq!(at("relabel~1"), at("main"));
    assert_eq!(at("HEAD"), at("relabel"));
    assert_eq!(at(&at("relabel").to_string()[..8]), at("relabel"));
    let branches = project.branches(&images()).unwrap();
    let told: Vec<_> = branches.iter().map(|branch| (branch.name.as_str(), branch.current)).collect();
    assert_eq!(told, [("main", false), ("relabel", true)]);
    assert_eq!(project.tags(&images()).unwrap().len(), 1);

    let refused = |done: flyball_core::Result<()>, code| assert_eq!(done.unwrap_err().code(), code);
    refused(project.delete(ReferenceKind::Branch, &images(), "relabel"), ErrorCode::Conflict);
    refused(project.delete(ReferenceKind::Tag, &images(), "v2"), ErrorCode::NotFound);
    let twice = project.make(ReferenceKind::Tag, &images(), "v1", Some("relabel")).map(drop);
    refused(twice, ErrorCode::AlreadyExists);
    for name in ["HEAD", "origin", "a..b", "../x", "a/b", "", "a~1"] {
        refused(project.make(ReferenceKind::Tag, &images(), name, None).map(drop), ErrorCode::InvalidName);
    }
    project.delete(ReferenceKind::Tag, &images(), "v1").unwrap();
    assert!(project.tags(&images()).unwrap().is_empty());
}

#[test]
fn versions_that_are_not_there_are_named() {
    let world = World::with(&[("a", "one")]);
    for word in ["nothing", "main~1", "abcdef12", "origin/main", "abc"] {
        let error = world.checkout(word).unwrap_err();
        assert_eq!(error.code(), ErrorCode::NotFound, "{word}: {error}");
    }
    assert_eq!(world.checkout("main~x").unwrap_err().code(), ErrorCode::InvalidInput);
}

#[test]
fn a_commit_needs_a_branch_and_something_that_was_added() {
    let world = World::with(&[("a", "one")]);
    world.open().make(ReferenceKind::Tag, &images(), "v1", None).unwrap();
    world.checkout("v1").unwrap();
    world.write("images/a", "two");
    let project = world.open();
    project.add(None, None).unwrap();
    let error = project.commit(&images(), &said("lost")).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Conflict);
    assert!(error.next_step().unwrap().contains("flyball data branch images"));
    project.make(ReferenceKind::Branch, &images(), "mine", None).unwrap();
    // The new branch begins at the version in the folder, so what was added goes with it.
    let mine = Checkout { version: Some("mine".to_owned()), ..Checkout::default() };
    assert_eq!(project.checkout(&images(), &mine).unwrap().branch.as_deref(), Some("mine"));
    assert!(!project.commit(&images(), &said("kept")).unwrap().unchanged);

    let empty = World::new();
    std::fs::create_dir(empty.at("images")).unwrap();
    empty.open().add(Some("images"), None).unwrap();
    assert_eq!(empty.open().commit(&images(), &said("nothing")).unwrap_err().code(), ErrorCode::NotFound);
}
