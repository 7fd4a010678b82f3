use std::path::{Path, PathBuf};
use std::thread;

use flyball_core::{Digest, ErrorCode};
use flyball_store::Blobs;
use tempfile::TempDir;

pub(crate) fn open() -> (TempDir, Blobs) {
    let folder = tempfile::tempdir().unwrap();
    let blobs = Blobs::open(folder.path().to_str().unwrap()).unwrap();
    (folder, blobs)
}

pub(crate) fn file_of(folder: &Path, digest: &Digest) -> PathBuf {
    let text = digest.to_string();
    folder.join("blobs").join(&text[..2]).join(&text[2..])
}

#[test]
fn what_is_put_is_found_under_its_digest() {
    let (folder, blobs) = open();
    for bytes in [b"".as_slice(), b"flyball", &vec![7; 3_000_000]] {
        let digest = blobs.put(bytes).unwrap();
        assert_eq!(digest, Digest::of(bytes));
        assert_eq!(blobs.put(bytes).unwrap(), digest);
        assert_eq!(blobs.get(&digest).unwrap(), bytes);
        assert!(blobs.contains(&digest).unwrap());
    }
    let again = Blobs::open(&format!("file://{}", folder.path().display())).unwrap();
    let listed = again.list().unwrap();
    assert_eq!(listed.iter().map(|(_, size)| size).sum::<u64>(), 3_000_007);
    assert!(listed.is_sorted() && listed.len() == 3);
    let gone = Digest::of(b"flyball");
    again.delete(&gone).unwrap();
    again.delete(&gone).unwrap();
    assert!(!again.contains(&gone).unwrap());
    assert_eq!(again.get(&gone).unwrap_err().code(), ErrorCode::NotFound);
}

#[test]
fn a_flipped_bit_is_reported_with_the_blob_and_put_repairs_it() {
    let (folder, blobs) = open();
    let digest = blobs.put(b"the weights of a model").unwrap();
    let file = file_of(folder.path(), &digest);
    let mut bytes = std::fs::read(&file).unwrap();
    bytes[5] ^= 1;
    std::fs::write(&file, &bytes).unwrap();
    let error = blobs.get(&digest).unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unavailable);
    assert!(error.message().contains(&digest.to_string()));
    blobs.put(b"the weights of a model").unwrap();
    assert_eq!(blobs.get(&digest).unwrap(), b"the weights of a model".as_slice());
}

#[test]
fn a_truncated_blob_is_reported_too() {
    let (folder, blobs) = open();
    let digest = blobs.put(b"the weights of a model").unwrap();
    std::fs::write(file_of(folder.path(), &digest), b"the").unwrap();
    assert!(blobs.get(&digest).is_err());
}

#[test]
fn many_can_put_the_same_bytes_at_once() {
    let (folder, blobs) = open();
    let other = Blobs::open(folder.path().to_str().unwrap()).unwrap();
    let contents: Vec<Vec<u8>> = (0..20_u8).map(|n| vec![n; 10_000]).collect();
    thread::scope(|scope| {
        for worker in 0..16 {
            let store = if worker % 2 == 0 { &blobs } else { &other };
            let contents = &contents;
            scope.spawn(move || {
                for bytes in contents {
                    let digest = store.put(bytes).unwrap();
                    assert_eq!(store.get(&digest).unwrap(), bytes.as_slice());
                }
            });
        }
    });
    assert_eq!(blobs.list().unwrap().len(), 20);
    let staging = std::fs::read_dir(folder.path().join("staging")).unwrap().count();
    assert_eq!(staging, 0, "nothing half-written stays");
}

#[test]
fn a_put_that_fails_leaves_nothing() {
    let (folder, blobs) = open();
    let digest = Digest::of(b"x");
    // A file where the folder of the blob should be.
    std::fs::write(folder.path().join("blobs").join(&digest.to_string()[..2]), b"").unwrap();
    assert_eq!(blobs.put(b"x").unwrap_err().code(), ErrorCode::Unavailable);
    assert_eq!(std::fs::read_dir(folder.path().join("staging")).unwrap().count(), 0);
    assert_eq!(Blobs::open("ftp://x").unwrap_err().code(), ErrorCode::InvalidInput);
}
