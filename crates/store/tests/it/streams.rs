//! Writing and reading blobs in pieces.

use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use bytes::Bytes;
use flyball_core::{Digest, ErrorCode, Result};
use flyball_store::Blobs;

use crate::blobs::{file_of, open};

/// Several chunks and a rest, no two alike.
fn content() -> Vec<u8> {
    (0..700_001_u32).map(|n| (n % 251) as u8).collect()
}

fn staged(folder: &Path) -> usize {
    fs::read_dir(folder.join("staging")).unwrap().count()
}

#[test]
fn what_is_written_in_pieces_is_the_blob_of_the_whole() {
    let (folder, blobs) = open();
    let content = content();
    for pieces in [1, 1000, content.len()] {
        let mut writer = blobs.writer().unwrap();
        for piece in content.chunks(pieces.max(content.len() / 1000)) {
            writer.write(piece).unwrap();
        }
        assert_eq!(writer.finish().unwrap(), (Digest::of(&content), content.len() as u64));
    }
    assert_eq!(blobs.get(&Digest::of(&content)).unwrap(), content);
    assert_eq!(blobs.writer().unwrap().finish().unwrap(), (Digest::of(b""), 0));
    assert_eq!(blobs.list().unwrap().len(), 2);
    assert_eq!(staged(folder.path()), 0);
}

#[test]
fn a_writer_that_is_dropped_leaves_nothing() {
    let (folder, blobs) = open();
    let mut writer = blobs.writer().unwrap();
    writer.write(b"half of a mod").unwrap();
    assert_eq!(staged(folder.path()), 1);
    drop(writer);
    assert_eq!(staged(folder.path()), 0);
    assert!(blobs.list().unwrap().is_empty());
}

#[test]
fn what_a_crashed_process_left_is_removed_when_it_is_a_day_old() {
    let (folder, blobs) = open();
    let staging = folder.path().join("staging");
    for (name, hours) in [("old", 25), ("new", 23)] {
        let file = File::create(staging.join(name)).unwrap();
        let touched = file.metadata().unwrap().modified().unwrap() - Duration::from_secs(hours * 3600);
        file.set_modified(touched).unwrap();
    }
    drop(blobs);
    Blobs::open(folder.path().to_str().unwrap()).unwrap();
    assert!(!staging.join("old").exists() && staging.join("new").exists());
}

#[test]
fn chunks_are_bounded_and_make_up_the_blob() {
    let (_folder, blobs) = open();
    let content = content();
    let digest = blobs.put(&content).unwrap();
    let mut reader = blobs.reader(&digest, None).unwrap();
    assert_eq!((reader.size(), reader.remaining()), (700_001, 700_001));
    let chunks: Vec<Bytes> = reader.by_ref().collect::<Result<_>>().unwrap();
    assert!(chunks.iter().all(|chunk| !chunk.is_empty() && chunk.len() <= 256 * 1024));
    assert_eq!(chunks.concat(), content);
    assert!(reader.next().is_none() && reader.remaining() == 0);
    let empty = blobs.put(b"").unwrap();
    assert_eq!(blobs.reader(&empty, None).unwrap().count(), 0);
}

#[test]
fn a_range_is_read_from_its_start_to_its_end() {
    let (_folder, blobs) = open();
    let content = content();
    let digest = blobs.put(&content).unwrap();
    for range in [0..1, 5..5, 700_000..700_001, 262_143..524_290, 0..700_001, 0..0, 700_001..700_001] {
        let reader = blobs.reader(&digest, Some(range.clone())).unwrap();
        let part: Vec<Bytes> = reader.collect::<Result<_>>().unwrap();
        assert_eq!(part.concat(), content[range.start as usize..range.end as usize], "{range:?}");
    }
    for beyond in [0..700_002, 700_002..700_003] {
        assert_eq!(blobs.reader(&digest, Some(beyond)).unwrap_err().code(), ErrorCode::InvalidInput);
    }
    assert_eq!(blobs.reader(&Digest::of(b"none"), None).unwrap_err().code(), ErrorCode::NotFound);
}

#[test]
fn a_damaged_blob_never_arrives_complete() {
    let (folder, blobs) = open();
    let content = content();
    let digest = blobs.put(&content).unwrap();
    let file = file_of(folder.path(), &digest);
    let flipped = |at: usize| {
        let mut bytes = content.clone();
        bytes[at] ^= 1;
        bytes
    };
    for damaged in [flipped(0), flipped(700_000), content[..600_000].to_vec(), Vec::new()] {
        fs::write(&file, &damaged).unwrap();
        let outcomes: Vec<Result<Bytes>> = blobs.reader(&digest, None).unwrap().collect();
        let (last, before) = outcomes.split_last().unwrap();
        assert!(last.as_ref().unwrap_err().message().contains(&digest.to_string()));
        let arrived: usize = before.iter().map(|chunk| chunk.as_ref().unwrap().len()).sum();
        assert!(arrived < damaged.len().max(1), "{arrived} of {}", damaged.len());
    }
}

#[test]
fn a_blob_that_shrinks_while_it_is_read_is_an_error() {
    let (folder, blobs) = open();
    let digest = blobs.put(&content()).unwrap();
    let mut reader = blobs.reader(&digest, Some(1..700_001)).unwrap();
    assert!(reader.next().unwrap().is_ok());
    File::options().write(true).open(file_of(folder.path(), &digest)).unwrap().set_len(300_000).unwrap();
    assert!(reader.next().unwrap().is_err());
    assert!(reader.next().is_none());
}

#[test]
fn rewriting_repairs_a_damaged_blob() {
    let (folder, blobs) = open();
    let digest = blobs.put(b"weights").unwrap();
    fs::write(file_of(folder.path(), &digest), b"weighty").unwrap();
    let mut writer = blobs.writer().unwrap();
    writer.write(b"weights").unwrap();
    writer.finish().unwrap();
    assert_eq!(blobs.get(&digest).unwrap(), b"weights".as_slice());
}
