//! Large files: what they share is kept once.

use std::fs;

use flyball_core::Digest;

use crate::world::{World, noise};

#[test]
fn what_is_appended_or_inserted_is_all_that_is_kept_of_a_new_version() {
    let world = World::new();
    let mut content = noise(12_000_000, 1);
    world.write("images/large.bin", &content);
    world.commit("the first");
    let first = world.packed();
    assert!((12_000_000..12_100_000).contains(&first), "{first}");

    content.extend(noise(120_000, 2));
    world.write("images/large.bin", &content);
    world.commit("appended");
    let second = world.packed();
    assert!(second - first < 120_000 + 256 * 1024 + 20_000, "{}", second - first);

    content.splice(6_000_000..6_000_000, *b"inserted");
    world.write("images/large.bin", &content);
    world.commit("inserted");
    let third = world.packed();
    assert!(third - second < 600_000, "{}", third - second);

    // The same content elsewhere costs nothing but its name.
    world.write("images/copy.bin", &content);
    world.commit("copied");
    assert!(world.packed() - third < 5_000, "{}", world.packed() - third);

    for version in ["main", "main~1", "main~2", "main~3"] {
        world.checkout(version).unwrap();
        assert!(world.status().is_clean());
    }
    assert_eq!(fs::metadata(world.at("images/large.bin")).unwrap().len(), 12_000_000);
    world.checkout("main").unwrap();
    assert_eq!(Digest::of(&fs::read(world.at("images/large.bin")).unwrap()), Digest::of(&content));
}

#[test]
fn text_is_kept_compressed_and_noise_is_not() {
    let world = World::new();
    let rows: String =
        (0..120_000).map(|row| format!("{row},2024-01-{:02},north,{}\n", row % 28 + 1, row * 7)).collect();
    world.write("images/large.csv", &rows);
    (0..40).for_each(|n| {
        world.write(
            &format!("images/small/{n}.json"),
            format!("{{\"label\": \"cat\", \"n\": {n}, \"text\": \"{}\"}}", "word ".repeat(200)),
        )
    });
    world.commit("text");
    assert!(world.packed() < rows.len() as u64 / 2, "{} of {}", world.packed(), rows.len());
    let before = world.tree("images");
    fs::remove_dir_all(world.at("images")).unwrap();
    world.checkout("main").unwrap();
    assert_eq!(world.tree("images"), before);
}

#[test]
fn files_around_the_limits_come_back() {
    let world = World::new();
    let mebibyte = 1024 * 1024;
    for (n, size) in
        [0, 1, mebibyte - 1, mebibyte, mebibyte + 1, 4 * mebibyte, 4 * mebibyte + 1].into_iter().enumerate()
    {
        world.write(&format!("images/{n}.bin"), noise(size, n as u64));
    }
    let before = world.tree("images");
    world.commit("limits");
    fs::remove_dir_all(world.at("images")).unwrap();
    world.checkout("main").unwrap();
    assert_eq!(world.tree("images"), before);
    assert!(world.open().verify().unwrap().is_sound());
}
