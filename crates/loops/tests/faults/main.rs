//! Faults are injected into a real loop on a virtual clock: what is diagnosed, what is done about it, whether it helps and
//! how long that takes; and nothing at all where nothing is wrong.

#![expect(clippy::unwrap_used, reason = "tests")]

mod broken;
mod data_faults;
mod explained;
mod limits;
mod model_faults;
mod several;
mod weighted;
mod windows;
mod world;

use world::{World, well};

/// Remedies against everything, as a careful team would write them.
pub(crate) const EVERYTHING: &str = "  - when: data_fault
    do: [quarantine, page]
  - when: error_rate > 5% or latency_p99_ms > 50
    do: [rollback, fallback]
    limits: { cool_down: 1h }
  - when: auc < reference.auc - 0.1
    do: rollback
  - when: label_shift or concept_shift for 2 windows
    do: retrain
    limits: { cool_down: 3d, per_month: 4 }
  - when: drift and auc < reference.auc - 0.05
    do: retrain
    limits: { cool_down: 3d, per_month: 4 }";

#[test]
fn where_nothing_is_wrong_nothing_is_done() {
    let mut world = World::new(EVERYTHING);
    for _ in 0..4 {
        world.days(25, &well);
        assert_eq!(world.traffic(40, 30), None);
    }
    assert!(world.actions().is_empty(), "{:#?}", world.actions());
    assert_eq!((world.version().1, world.rollouts()), (1, 1));
}
