//! A store goes into a folder and comes back.

use std::io::Write;

use flyball_core::ErrorCode;
use flyball_moving::export::{Progress, Report};
use flyball_moving::folder::{self, Folder};
use flyball_moving::import::Options;
use flyball_moving::tally::{Kind, Totals};
use flyball_moving::{LeftOut, Source};
use flyball_registry::{import as registry, models};
use flyball_testkit::{TestDb, on_both};
use flyball_tracking::{history, runs};

use crate::fixture::{Stock, editor, home, import};

struct Silent;

impl Progress for Silent {
    fn moved(&mut self, _: &Totals) {}
    fn left_out(&mut self, _: &LeftOut) {}
}

fn export(source: &mut dyn Source, path: &std::path::Path) -> Report {
    folder::export(source, path, &mut Silent).unwrap()
}

#[test]
fn an_exported_folder_comes_in_whole() {
    on_both(|db| {
        let (stock, files, exported) = (Stock::like(db), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let report = export(&mut stock.source(), exported.path());
        assert!(report.is_complete(), "{report:#?}");
        assert_eq!(report.compared[&Kind::MetricPoints].here.count, 6);
        assert_eq!(report.compared[&Kind::Artifacts].here.count, 4);

        let home = home(db, files.path());
        let report = import(&home, &mut Folder::open(exported.path()).unwrap(), &Options::default());
        assert!(report.is_complete(), "{report:#?}");
        assert_eq!(report.compared[&Kind::ModelVersions].here.count, 3);
        db.read(|tx| {
            let loss = history::of(tx, &editor().read(), "a1", "loss")?;
            assert_eq!(loss.iter().filter(|point| point.value.is_nan()).count(), 2);
            assert_eq!(runs::get(tx, &editor(), "a2")?.ended_at, None);
            assert_eq!(registry::last_version(tx, &editor(), "late")?, 3);
            assert_eq!(models::get(tx, &editor().read(), "late")?.aliases, [("champion".to_owned(), 2)]);
            Ok(())
        })
        .unwrap();
        let again = import(&home, &mut Folder::open(exported.path()).unwrap(), &Options::default());
        assert!(again.is_complete() && again.moved.is_empty(), "{again:#?}");
    });
}

#[test]
fn an_export_that_was_cut_off_anywhere_is_finished_by_the_next() {
    let (stock, whole) = (Stock::like(&TestDb::sqlite()), tempfile::tempdir().unwrap());
    let expected = export(&mut stock.source(), whole.path());
    let text = std::fs::read(whole.path().join("records.jsonl")).unwrap();
    let cuts: Vec<usize> = (0..=text.len()).step_by(97).chain([text.len()]).collect();
    for cut in cuts {
        let folder = tempfile::tempdir().unwrap();
        std::fs::copy(whole.path().join("origin.txt"), folder.path().join("origin.txt")).unwrap();
        let mut part = std::fs::File::create(folder.path().join("records.jsonl.part")).unwrap();
        part.write_all(&text[..cut]).unwrap();
        drop(part);
        // Files that were written before are there.
        copy(&whole.path().join("blobs"), &folder.path().join("blobs"));
        let report = export(&mut stock.source(), folder.path());
        assert!(report.is_complete(), "cut at {cut}: {report:#?}");
        assert_eq!(report.compared, expected.compared, "cut at {cut}");
    }
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

#[test]
fn folders_that_hold_something_else_are_refused() {
    let (stock, folder) = (Stock::like(&TestDb::sqlite()), tempfile::tempdir().unwrap());
    assert_eq!(Folder::open(folder.path()).err().unwrap().code(), ErrorCode::NotFound);
    std::fs::write(folder.path().join("letter.txt"), "dear").unwrap();
    let refused = folder::export(&mut stock.source(), folder.path(), &mut Silent).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Conflict);

    let exported = tempfile::tempdir().unwrap();
    export(&mut stock.source(), exported.path());
    let again = folder::export(&mut stock.source(), exported.path(), &mut Silent).unwrap_err();
    assert_eq!(again.code(), ErrorCode::Conflict, "a finished export is not written over");
    std::fs::write(exported.path().join("manifest.json"), "{}").unwrap();
    assert_eq!(Folder::open(exported.path()).err().unwrap().code(), ErrorCode::InvalidData);
}

#[test]
fn a_file_that_was_damaged_in_the_folder_is_told() {
    let db = TestDb::sqlite();
    let (stock, files, exported) = (Stock::like(&db), tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    export(&mut stock.source(), exported.path());
    let mut files_of_folder = Vec::new();
    collect(&exported.path().join("blobs"), &mut files_of_folder);
    let full = files_of_folder.iter().find(|path| path.metadata().unwrap().len() > 2).unwrap();
    let mut bytes = std::fs::read(full).unwrap();
    bytes[0] ^= 1;
    std::fs::write(full, bytes).unwrap();
    let home = home(&db, files.path());
    let report = import(&home, &mut Folder::open(exported.path()).unwrap(), &Options::default());
    assert!(!report.is_complete(), "{report:#?}");
    assert!(report.left_out.iter().all(|left_out| left_out.kind == Kind::Artifacts), "{report:#?}");
}

fn collect(folder: &std::path::Path, files: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}
