//! What lies in folders and is no plain file.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use flyball_core::ErrorCode;
use flyball_snapshots::Kind;

use crate::world::{World, images, noise, only};

#[test]
fn links_are_kept_as_links_wherever_they_lead() {
    let world = World::with(&[("a", "one")]);
    symlink("a", world.at("images/to-a")).unwrap();
    symlink("nowhere/../at all", world.at("images/broken")).unwrap();
    symlink("/etc", world.at("images/folder")).unwrap();
    assert_eq!(world.changed(), ["New broken", "New folder", "New to-a"]);
    world.commit("links");
    let links = world.tree("images");
    let project = world.open();
    let commit = project.store().commit(&project.dataset(&images()).unwrap().commit.unwrap()).unwrap();
    let manifest = project.store().manifest(&commit.manifest).unwrap();
    let entries = project.store().entries(&manifest, &only("to-a")).unwrap();
    assert_eq!((entries[0].kind, entries[0].size), (Kind::Link, 1));
    world.checkout("main~1").unwrap();
    assert_eq!(world.tree("images").len(), 1);
    world.checkout("main").unwrap();
    assert_eq!(world.tree("images"), links);
    assert!(world.status().is_clean());
    fs::remove_file(world.at("images/to-a")).unwrap();
    symlink("b", world.at("images/to-a")).unwrap();
    assert_eq!(world.changed(), ["Modified to-a"]);
}

#[test]
fn nothing_is_written_through_a_link_in_the_way() {
    let world = World::with(&[("folder/a", "one")]);
    world.write("elsewhere/a", "mine");
    fs::remove_dir_all(world.at("images/folder")).unwrap();
    symlink(world.at("elsewhere"), world.at("images/folder")).unwrap();
    let error = world.checkout("main").unwrap_err();
    assert_eq!(error.code(), ErrorCode::Conflict, "{error}");
    assert_eq!(fs::read_to_string(world.at("elsewhere/a")).unwrap(), "mine");
    // The same for a file that is replaced.
    fs::remove_file(world.at("images/folder")).unwrap();
    fs::create_dir(world.at("images/folder")).unwrap();
    symlink(world.at("elsewhere/a"), world.at("images/folder/a")).unwrap();
    let forced = flyball_snapshots::Checkout { force: true, ..Default::default() };
    world.open().checkout(&images(), &forced).unwrap();
    assert_eq!(fs::read_to_string(world.at("elsewhere/a")).unwrap(), "mine");
    assert_eq!(fs::read_to_string(world.at("images/folder/a")).unwrap(), "one");
}

#[test]
fn sockets_pipes_and_devices_are_refused_by_name() {
    for what in ["a socket", "a pipe", "a device"] {
        let world = World::with(&[("a", "one")]);
        let path = world.at("images/inner/odd one");
        fs::create_dir(world.at("images/inner")).unwrap();
        match what {
            "a socket" => drop(UnixListener::bind(&path).unwrap()),
            "a pipe" => rustix_mkfifo(&path),
            // Every system has this one; making another takes rights that not everybody has.
            _ => {
                world.write("images/a", "two");
                let error = world.open().add(Some("/dev/null"), Some("null".parse().unwrap())).unwrap_err();
                assert_eq!(error.code(), ErrorCode::InvalidData);
                continue;
            }
        }
        world.write("images/a", "two");
        let error = world.open().add(None, None).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidData);
        assert!(error.message().starts_with(&format!("inner/odd one is {what}")), "{error}");
        assert!(error.next_step().is_some());
        fs::remove_file(&path).unwrap();
        assert_eq!(world.changed(), ["Modified a"], "nothing was added");
    }
}

fn rustix_mkfifo(path: &std::path::Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

#[test]
fn odd_names_are_kept_byte_by_byte() {
    let world = World::new();
    let composed = "caf\u{e9}";
    let decomposed = "cafe\u{301}";
    let long = "x".repeat(255);
    let names: [&[u8]; 9] = [
        composed.as_bytes(),
        decomposed.as_bytes(),
        b"not \xff\xfe text",
        b"line\nbreak",
        "\u{202e}gnp.exe".as_bytes(),
        b"-rf",
        b" leading and trailing ",
        long.as_bytes(),
        "🦋/日本語/ñ".as_bytes(),
    ];
    for (n, name) in names.iter().enumerate() {
        let path = world.at("images").join(OsStr::from_bytes(name));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, n.to_string()).unwrap();
    }
    world.commit("odd");
    let before = world.tree("images");
    assert_eq!(before.len(), names.len());
    fs::remove_dir_all(world.at("images")).unwrap();
    world.checkout("main").unwrap();
    assert_eq!(world.tree("images"), before);
    let shown = world.open().diff(&images(), Some("main"), None, &Default::default()).unwrap();
    assert!(shown.changes.is_empty());
    world.write("images/line\nbreak", "changed");
    assert_eq!(world.changed(), ["Modified line\\nbreak"], "a name never breaks a line of the answer");
}

#[test]
fn folders_of_tools_are_no_data() {
    let world = World::new();
    for path in ["a", ".git/config", ".dvc/cache/x", "inner/.git/HEAD", ".gitignore", ".hidden"] {
        world.write(&format!("images/{path}"), "x");
    }
    assert_eq!(world.open().add(Some("images"), None).unwrap().files, 3);
}

#[test]
fn a_file_that_changes_while_it_is_read_is_never_kept_in_part() {
    let world = World::new();
    world.write("images/steady", "one");
    world.write("images/growing", noise(3_000_000, 1));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            // All bytes are alike at every moment, and other ones at the next.
            for round in (0u8..=255).cycle() {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let file = fs::File::options().write(true).open(world.at("images/growing")).unwrap();
                let content = vec![round; 3_000_000];
                std::os::unix::fs::FileExt::write_all_at(&file, &content, 0).unwrap();
            }
        });
        std::thread::sleep(Duration::from_millis(50));
        let added = world.open().add(Some("images"), None);
        stop.store(true, Ordering::Relaxed);
        if let Err(error) = added {
            assert_eq!(error.code(), ErrorCode::Conflict);
            assert!(error.message().contains("growing"), "{error}");
        }
    });
    world.open().add(Some("images"), None).unwrap();
    world.commit("steady");
    let now = world.tree("images");
    fs::remove_dir_all(world.at("images")).unwrap();
    world.checkout("main").unwrap();
    assert_eq!(world.tree("images"), now);
}

#[test]
fn files_that_vanish_while_they_are_added_are_gone() {
    let world = World::new();
    for n in 0..3000 {
        world.write(&format!("images/{}/{n}", n % 7), n.to_string());
    }
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in (0..3000).rev().step_by(2) {
                fs::remove_file(world.at(&format!("images/{}/{n}", n % 7))).unwrap();
            }
        });
        let added = world.open().add(Some("images"), None).unwrap();
        assert!((1500..=3000).contains(&added.files));
    });
    assert_eq!(world.open().add(Some("images"), None).unwrap().files, 1500);
    assert!(world.open().verify().unwrap().is_sound());
}

#[test]
fn a_folder_that_is_gone_is_no_empty_dataset() {
    let world = World::with(&[("a", "one")]);
    fs::remove_dir_all(world.at("images")).unwrap();
    let error = world.open().add(None, None).unwrap_err();
    assert_eq!(error.code(), ErrorCode::NotFound);
    assert!(error.next_step().unwrap().contains("flyball data checkout images"));
}

#[test]
fn a_broken_file_of_datasets_is_named() {
    let world = World::with(&[("a", "one")]);
    for text in [
        "{",
        "{\"datasets\": {\"x\": {\"path\": \"../elsewhere\"}}}",
        "{\"datasets\": {\"x\": {\"path\": \"/etc\"}}}",
        "{\"datasets\": {\"../x\": {\"path\": \"x\"}}}",
        "{\"datasets\": {}, \"unknown\": 1}",
    ] {
        world.write("flyball.data.json", text);
        let error = world.open().names().unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidData, "{text}");
        assert!(error.message().contains("flyball.data.json"));
    }
}
