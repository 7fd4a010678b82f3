//! Repositories of DVC, laid out as DVC 3 and DVC 2 write them.

use std::fs;

use flyball_core::{ErrorCode, Name};
use flyball_snapshots::{Checkout, Selection};
use md5::{Digest, Md5};

use crate::world::World;

fn md5(bytes: &[u8]) -> String {
    Md5::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Puts an object into a cache of DVC and returns its digest.
fn keep(world: &World, cache: &str, content: &[u8], end: &str) -> String {
    let digest = format!("{}{end}", md5(content));
    world.write(&format!("{cache}/{}/{}", &digest[..2], &digest[2..]), content);
    digest
}

/// A repository with a folder and a file.
fn repository(world: &World) {
    let cache = "repo/.dvc/cache/files/md5";
    let lines: Vec<String> = [("train/a.png", "one"), ("train/ü.png", "two"), ("b.png", "one")]
        .iter()
        .map(|(path, content)| {
            format!("{{\"md5\": \"{}\", \"relpath\": \"{path}\"}}", keep(world, cache, content.as_bytes(), ""))
        })
        .collect();
    let folder = keep(world, cache, format!("[{}]", lines.join(", ")).as_bytes(), ".dir");
    world.write(
        "repo/data/images.dvc",
        format!("outs:\n- md5: {folder}\n  size: 9\n  nfiles: 3\n  hash: md5\n  path: images\n"),
    );
    let table = keep(world, "repo/.dvc/cache", b"a,b\n1,2\n", "");
    world.write("repo/data/rows.csv.dvc", format!("outs:\n- md5: {table}\n  size: 8\n  path: rows.csv\n"));
}

#[test]
fn folders_and_files_of_a_repository_become_datasets() {
    let world = World::new();
    repository(&world);
    let project = world.open();
    let imported = project.import_dvc("repo".as_ref(), &[], "ada").unwrap();
    let told: Vec<_> = imported.iter().map(|one| (one.dataset.as_str(), one.path.as_str(), one.files)).collect();
    assert_eq!(told, [("images", "repo/data/images", 3), ("rows.csv", "repo/data/rows.csv", 1)]);
    for one in &imported {
        assert!(!project.status(&one.dataset).unwrap().checked_out, "folders stay as they are");
        project.checkout(&one.dataset, &Checkout::default()).unwrap();
        assert!(project.status(&one.dataset).unwrap().is_clean());
    }
    assert_eq!(fs::read_to_string(world.at("repo/data/images/train/ü.png")).unwrap(), "two");
    assert_eq!(fs::read_to_string(world.at("repo/data/rows.csv")).unwrap(), "a,b\n1,2\n");
    assert!(project.import_dvc("repo".as_ref(), &[], "ada").unwrap().iter().all(|one| one.unchanged));
    let log = project.log(&imported[0].dataset, None, 5).unwrap();
    assert_eq!((log.len(), log[0].commit.message.as_str()), (1, "import of data/images.dvc"));
    assert!(project.verify().unwrap().is_sound());
}

#[test]
fn what_was_already_in_the_folder_is_taken_as_it_is() {
    let world = World::new();
    repository(&world);
    world.write("repo/data/images/b.png", "one");
    world.write("repo/data/images/train/a.png", "changed since");
    let project = world.open();
    let images: Name = "images".parse().unwrap();
    project.import_dvc("repo".as_ref(), std::slice::from_ref(&images), "ada").unwrap();
    assert_eq!(project.names().unwrap().len(), 1);
    let error = project.checkout(&images, &Checkout::default()).unwrap_err();
    assert!(error.message().ends_with(": train/a.png"), "{error}");
    fs::remove_file(world.at("repo/data/images/train/a.png")).unwrap();
    let done = project.checkout(&images, &Checkout::default()).unwrap();
    assert_eq!((done.kept, done.written), (1, 2));
}

#[test]
fn digests_that_end_lines_as_unix_does_are_those_of_old_versions() {
    let world = World::new();
    let content = b"a,b\r\n1,2\r\rx\r";
    let digest = md5(b"a,b\n1,2\r\rx\r");
    world.write(&format!("repo/.dvc/cache/{}/{}", &digest[..2], &digest[2..]), content);
    world.write("repo/rows.csv.dvc", format!("outs:\n- md5: {digest}\n  path: rows.csv\n"));
    let project = world.open();
    project.import_dvc("repo".as_ref(), &[], "ada").unwrap();
    project.export(&"rows.csv".parse().unwrap(), None, &Selection::default(), "out".as_ref()).unwrap();
    assert_eq!(fs::read(world.at("out/rows.csv")).unwrap(), content);
    world.write("repo/rows.csv.dvc", format!("outs:\n- md5: {digest}\n  hash: md5\n  path: rows.csv\n"));
    let error = project.import_dvc("repo".as_ref(), &[], "ada").unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidData, "DVC 3 hashes what is there");
}

#[test]
fn caches_elsewhere_and_remotes_that_are_folders_are_found() {
    let world = World::new();
    world.write("repo/.dvc/config", "[core]\n    remote = store\n['remote \"store\"']\n    url = ../../elsewhere\n");
    let digest = keep(&world, "elsewhere/files/md5", b"rows", "");
    world.write("repo/rows.dvc", format!("outs:\n- md5: {digest}\n  hash: md5\n  path: rows\n"));
    assert_eq!(world.open().import_dvc("repo".as_ref(), &[], "ada").unwrap()[0].bytes, 4);
}

#[test]
fn what_is_missing_or_damaged_is_named() {
    let world = World::new();
    let project = world.open();
    fs::create_dir(world.at("repo")).unwrap();
    assert_eq!(project.import_dvc("repo".as_ref(), &[], "ada").unwrap_err().code(), ErrorCode::NotFound);
    repository(&world);
    let object = md5(b"two");
    let object = world.at(&format!("repo/.dvc/cache/files/md5/{}/{}", &object[..2], &object[2..]));
    fs::write(&object, "twp").unwrap();
    let error = project.import_dvc("repo".as_ref(), &[], "ada").unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidData);
    assert!(error.message().starts_with("data/images.dvc: ") && error.message().contains(&md5(b"two")), "{error}");
    fs::remove_file(&object).unwrap();
    let error = project.import_dvc("repo".as_ref(), &[], "ada").unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotFound);
    assert!(project.names().unwrap().is_empty(), "nothing half of it is there");
    world.write("repo/data/images.dvc", "outs: [");
    assert_eq!(project.import_dvc("repo".as_ref(), &[], "ada").unwrap_err().code(), ErrorCode::InvalidData);
}
