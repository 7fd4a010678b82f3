//! Every value of the fixtures that we keep is met.

use std::path::Path;

use flyball_oracles::check_folder;

#[test]
#[expect(clippy::disallowed_methods, reason = "cargo says in the environment where the checkout is")]
fn every_fixture_is_met_within_its_tolerance() {
    let folder = format!("{}/fixtures", std::env::var("CARGO_MANIFEST_DIR").unwrap());
    for checks in check_folder(Path::new(&folder)).unwrap() {
        assert!(checks.failures.is_empty(), "{}: {:#?}", checks.name, checks.failures);
    }
}
