//! Blobs in a bucket of a real S3 server.

use std::path::Path;

use bytes::Bytes;
use flyball_core::{Digest, ErrorCode, Result};
use flyball_store::Blobs;
use flyball_testkit::S3Server;
use object_store::ObjectStoreExt;
use object_store::aws::{AmazonS3, AmazonS3Builder};
use tempfile::TempDir;
use tokio::runtime::Builder;

struct Bucket {
    server: S3Server,
    spool: TempDir,
}

impl Bucket {
    fn new() -> Self {
        Self { server: S3Server::start(), spool: tempfile::tempdir().unwrap() }
    }

    fn open(&self, url: &str) -> Result<Blobs> {
        Blobs::connect(url, self.spool.path(), self.server.settings())
    }

    /// The bucket as others see it.
    fn raw(&self) -> AmazonS3 {
        let settings = self.server.settings();
        let builder =
            settings.iter().fold(AmazonS3Builder::new().with_bucket_name("flyball"), |builder, (name, value)| {
                builder.with_config(name.to_ascii_lowercase().parse().unwrap(), value)
            });
        builder.build().unwrap()
    }
}

fn now<F: Future>(future: F) -> F::Output {
    Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Two full parts of an upload and a rest, no two bytes in a row alike.
fn large() -> Vec<u8> {
    (0..16 * 1024 * 1024 + 1001_u32).map(|n| (n % 253) as u8).collect()
}

fn key(prefix: &str, digest: &Digest) -> object_store::path::Path {
    let text = digest.to_string();
    format!("{prefix}/blobs/{}/{}", &text[..2], &text[2..]).into()
}

fn spooled(folder: &Path) -> usize {
    std::fs::read_dir(folder).unwrap().count()
}

#[test]
fn a_bucket_keeps_blobs_as_a_folder_does() {
    let bucket = Bucket::new();
    let blobs = bucket.open("s3://flyball/team/a").unwrap();
    for content in [b"".as_slice(), b"weights"] {
        let digest = blobs.put(content).unwrap();
        assert_eq!(blobs.put(content).unwrap(), digest);
        assert!(blobs.contains(&digest).unwrap());
        assert_eq!(blobs.get(&digest).unwrap(), content);
    }
    let digest = Digest::of(b"weights");
    let stored = now(bucket.raw().head(&key("team/a", &digest))).unwrap();
    assert_eq!(stored.size, 7);
    assert_eq!(blobs.list().unwrap().len(), 2);
    // Another prefix is another store.
    let other = bucket.open("s3://flyball").unwrap();
    assert!(other.list().unwrap().is_empty() && !other.contains(&digest).unwrap());
    blobs.delete(&digest).unwrap();
    blobs.delete(&digest).unwrap();
    assert_eq!(blobs.get(&digest).unwrap_err().code(), ErrorCode::NotFound);
    assert_eq!(blobs.reader(&digest, None).unwrap_err().code(), ErrorCode::NotFound);
    assert_eq!(spooled(bucket.spool.path()), 0);
}

#[test]
fn large_blobs_go_up_in_parts_and_come_down_in_ranges() {
    let bucket = Bucket::new();
    let blobs = bucket.open("s3://flyball/x").unwrap();
    let content = large();
    let mut writer = blobs.writer().unwrap();
    content.chunks(1_000_000).for_each(|piece| writer.write(piece).unwrap());
    let (digest, size) = writer.finish().unwrap();
    assert_eq!((digest, size), (Digest::of(&content), content.len() as u64));
    assert_eq!(spooled(bucket.spool.path()), 0);
    let stored = now(bucket.raw().head(&key("x", &digest))).unwrap();
    assert!(stored.e_tag.unwrap().trim_matches('"').ends_with("-3"), "three parts");

    let chunks: Vec<Bytes> = blobs.reader(&digest, None).unwrap().collect::<Result<_>>().unwrap();
    assert!(chunks.iter().all(|chunk| chunk.len() <= 256 * 1024));
    assert!(chunks.concat() == content);
    let part: Vec<Bytes> = blobs.reader(&digest, Some(4_000_000..9_000_001)).unwrap().collect::<Result<_>>().unwrap();
    assert!(part.concat() == content[4_000_000..9_000_001]);

    let mut dropped = blobs.writer().unwrap();
    dropped.write(b"half").unwrap();
    drop(dropped);
    assert_eq!((blobs.list().unwrap().len(), spooled(bucket.spool.path())), (1, 0));
}

#[test]
fn a_damaged_object_never_arrives_complete() {
    let bucket = Bucket::new();
    let blobs = bucket.open("s3://flyball/x").unwrap();
    let content = large();
    let digest = blobs.put(&content).unwrap();
    let mut damaged = content[..5_000_000].to_vec();
    damaged[4_999_999] ^= 1;
    now(bucket.raw().put(&key("x", &digest), damaged.into())).unwrap();
    let outcomes: Vec<Result<Bytes>> = blobs.reader(&digest, None).unwrap().collect();
    let (last, before) = outcomes.split_last().unwrap();
    assert_eq!(last.as_ref().unwrap_err().code(), ErrorCode::Unavailable);
    assert!(before.iter().all(Result::is_ok) && blobs.get(&digest).is_err());
}

#[test]
fn a_bucket_that_cannot_be_used_is_told_at_the_start() {
    let bucket = Bucket::new();
    for url in [
        "s3://",
        "s3:///x",
        "s3://flyball?versions",
        "s3://key:secret@flyball/x",
        "s3://flyball/a//b",
        "s3://flyball/../x",
    ] {
        assert_eq!(bucket.open(url).unwrap_err().code(), ErrorCode::InvalidInput, "{url}");
    }
    let error = bucket.open("s3://missing/x").unwrap_err();
    assert_eq!(error.code(), ErrorCode::Unavailable);
    assert!(error.next_step().unwrap().contains("AWS_ACCESS_KEY_ID"));
}
