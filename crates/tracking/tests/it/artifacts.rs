//! The tree of artifacts.

use flyball_core::{Digest, Edit, ErrorCode, Permit, Result, Timestamp};
use flyball_governance::{audit, identity};
use flyball_store::Db;
use flyball_testkit::on_both;
use flyball_tracking::artifacts::{self, Artifact, Entry, TreePath};

const NOW: Timestamp = Timestamp(1_700_000_000_000);

fn permit() -> Permit<Edit> {
    identity::local_user().unwrap().edit()
}

fn path(text: &str) -> TreePath {
    text.parse().unwrap()
}

fn put(db: &Db, text: &str, content: &'static [u8]) -> Result<()> {
    let target = path(text);
    db.write(move |tx| artifacts::put(tx, &permit(), &target, &Digest::of(content), content.len() as u64, NOW))
}

fn list(db: &Db, folder: &str) -> Vec<Entry> {
    let folder = (!folder.is_empty()).then(|| path(folder));
    db.read(|tx| artifacts::list(tx, &permit().read(), folder.as_ref())).unwrap()
}

fn names(db: &Db, folder: &str) -> Vec<String> {
    let show = |entry: Entry| if entry.is_dir() { entry.name + "/" } else { entry.name };
    list(db, folder).into_iter().map(show).collect()
}

fn delete(db: &Db, text: &str) -> u64 {
    let target = path(text);
    db.write(move |tx| artifacts::delete(tx, &permit(), &target, NOW)).unwrap()
}

#[test]
fn a_path_names_the_blob_that_was_put_last() {
    on_both(|db| {
        put(db, "1/r/artifacts/a b/été:50%.txt", b"first").unwrap();
        put(db, "1/r/artifacts/a b/été:50%.txt", b"second!").unwrap();
        let target = path("1/r/artifacts/a b/été:50%.txt");
        let found = db.read(|tx| artifacts::get(tx, &permit().read(), &target)).unwrap();
        assert_eq!(found, Some(Artifact { path: target, digest: Digest::of(b"second!"), size: 7 }));
        for other in ["1", "1/r/artifacts/a b", "1/r/artifacts/a b/e\u{301}te\u{301}:50%.txt", "2"] {
            let other = path(other);
            assert_eq!(db.read(|tx| artifacts::get(tx, &permit().read(), &other)).unwrap(), None);
        }
    });
}

#[test]
fn a_listing_shows_one_level_by_name() {
    on_both(|db| {
        // Neighbours of '/' in the order of bytes and in that of languages.
        for file in ["d/b", "d/a/x", "d/a/y/z", "d/a.txt", "d/a-b", "d/a0", "d/A", "d/é/x", "d0", "d-", "e/x"] {
            put(db, file, b"12345").unwrap();
        }
        assert_eq!(names(db, ""), ["d/", "d-", "d0", "e/"]);
        assert_eq!(names(db, "d"), ["A", "a/", "a-b", "a.txt", "a0", "b", "é/"]);
        assert_eq!(names(db, "d/a"), ["x", "y/"]);
        assert_eq!(list(db, "d/a/y"), [Entry { name: "z".to_owned(), size: Some(5) }]);
        for nothing in ["d/b", "none", "d/a/x"] {
            assert!(names(db, nothing).is_empty());
        }
    });
}

#[test]
fn a_large_folder_is_listed_whole() {
    on_both(|db| {
        db.write(|tx| {
            for number in 0..600 {
                let (file, below) = (path(&format!("d/f{number:03}")), path(&format!("d/g{number:03}/x")));
                artifacts::put(tx, &permit(), &file, &Digest::of(b"x"), 1, NOW)?;
                if number % 100 == 0 {
                    artifacts::put(tx, &permit(), &below, &Digest::of(b"x"), 1, NOW)?;
                }
            }
            Ok(())
        })
        .unwrap();
        let names = names(db, "d");
        assert_eq!(names.len(), 606);
        assert!(names.is_sorted() && names[255] == "f255" && names[256] == "f256" && names[605] == "g500/");
    });
}

#[test]
fn a_file_is_never_also_a_directory() {
    on_both(|db| {
        put(db, "m/model/MLmodel", b"x").unwrap();
        for (bad, named) in [("m/model", "m/model"), ("m", "m"), ("m/model/MLmodel/x/y", "m/model/MLmodel")] {
            let error = put(db, bad, b"x").unwrap_err();
            assert_eq!(error.code(), ErrorCode::Conflict);
            assert!(error.message().starts_with(&format!("'{named}' is a")), "{error}");
        }
        assert_eq!(names(db, "m"), ["model/"]);
        delete(db, "m/model");
        put(db, "m/model", b"x").unwrap();
        assert_eq!(names(db, "m"), ["model"]);
    });
}

#[test]
fn a_missing_file_and_a_directory_are_told_apart() {
    on_both(|db| {
        put(db, "d/a", b"x").unwrap();
        let file = |text: &str| {
            let target = path(text);
            db.read(|tx| artifacts::file(tx, &permit().read(), &target)).map_err(|error| error.code())
        };
        assert_eq!(file("d/a").unwrap().size, 1);
        assert_eq!(file("d"), Err(ErrorCode::InvalidInput));
        assert_eq!(file("d/b"), Err(ErrorCode::NotFound));
    });
}

#[test]
fn deleting_takes_a_file_or_a_whole_tree_and_nothing_beside_it() {
    on_both(|db| {
        for file in ["d/a", "d/b/x", "d/b/y/z", "d/b.txt", "d/b0", "d2/x"] {
            put(db, file, b"x").unwrap();
        }
        assert_eq!(delete(db, "d/b"), 2);
        assert_eq!(names(db, "d"), ["a", "b.txt", "b0"]);
        assert_eq!(delete(db, "d/a"), 1);
        assert_eq!(delete(db, "d/none"), 0);
        assert_eq!(delete(db, "d"), 2);
        assert_eq!(names(db, ""), ["d2/"]);
        let events = db.read(|tx| audit::since(tx, 0, 10)).unwrap();
        let told: Vec<_> = events.iter().map(|kept| kept.event.resource.as_str()).collect();
        assert_eq!(told, ["artifact/d/b", "artifact/d/a", "artifact/d"]);
    });
}
