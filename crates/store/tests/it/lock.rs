use std::path::Path;
use std::thread;

use flyball_core::ErrorCode;
use flyball_store::DataDirLock;
use serde_json::json;

use crate::child;

#[test]
#[ignore = "the child process of another test"]
fn child_that_holds() {
    let subject = child::subject().unwrap();
    let info = json!({"pid": std::process::id(), "address": "http://127.0.0.1:5050"});
    let _lock = DataDirLock::acquire(Path::new(&subject), &info).unwrap();
    println!("\nholding");
    thread::park();
}

#[test]
fn another_process_is_told_who_holds_the_folder_until_that_one_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let (mut holder, mut lines) = child::spawn("lock::child_that_holds", folder.path().to_str().unwrap());
    assert!(lines.any(|line| line.unwrap() == "holding"));
    let refused = DataDirLock::acquire(folder.path(), &json!({})).unwrap_err();
    assert_eq!(refused.code(), ErrorCode::Locked);
    assert!(refused.message().contains(&format!("process {}", holder.id())), "{refused}");
    assert!(refused.message().contains("http://127.0.0.1:5050"), "{refused}");
    assert!(refused.next_step().is_some());
    assert_eq!(DataDirLock::read_info(folder.path()).unwrap()["pid"], holder.id());
    holder.kill().unwrap();
    holder.wait().unwrap();
    assert_eq!(DataDirLock::read_info(folder.path()), None, "what a dead process left is not believed");
    DataDirLock::acquire(folder.path(), &json!({})).unwrap();
}

#[test]
fn one_process_cannot_hold_it_twice_but_again() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(DataDirLock::read_info(folder.path()), None);
    let lock = DataDirLock::acquire(folder.path(), &json!({"pid": 1})).unwrap();
    assert_eq!(DataDirLock::acquire(folder.path(), &json!({})).unwrap_err().code(), ErrorCode::Locked);
    lock.set_info(&json!({"pid": 1, "address": "http://a"})).unwrap();
    assert_eq!(DataDirLock::read_info(folder.path()).unwrap()["address"], "http://a");
    drop(lock);
    DataDirLock::acquire(folder.path(), &json!({})).unwrap();
}

#[test]
fn those_who_only_look_do_not_keep_anybody_out() {
    let folder = tempfile::tempdir().unwrap();
    drop(DataDirLock::acquire(folder.path(), &json!({})).unwrap());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| (0..500).for_each(|_| drop(DataDirLock::read_info(folder.path()))));
        }
        for _ in 0..200 {
            drop(DataDirLock::acquire(folder.path(), &json!({})).unwrap());
        }
    });
}
