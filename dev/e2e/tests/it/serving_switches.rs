//! Traffic that moves while requests come: none is lost, and each is answered by a version that had a share.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::product::{Project, Server};
use crate::serving_load::{Asked, Load};
use crate::serving_models::{Logged, booster_row, serve, soon};

/// Requests in each phase.
const PHASE: usize = 300;

/// The versions that had a share from a moment on, and how many per mille the second one had.
struct Phase {
    from: Instant,
    versions: Vec<i64>,
    share: u32,
}

impl Phase {
    fn begin(share: u32) -> Self {
        let versions =
            [(1, 1000 - share), (2, share)].into_iter().filter(|(_, own)| *own > 0).map(|(version, _)| version);
        Self { from: Instant::now(), versions: versions.collect(), share }
    }
}

/// Says something to the rollout at `points`.
fn say(server: &Server, word: &str) {
    let (status, answer) = server.put("/api/v1/endpoints/points/rollouts/current", &json!({ "say": word }));
    assert_eq!(status, 200, "{answer}");
}

#[test]
fn no_request_is_lost_while_traffic_is_switched_and_taken_back() {
    let project = Project::new();
    let server = serve(&project, &[]);
    Logged::at(&server, &["booster"]);
    project.done(&["endpoints", "deploy", "points", "booster/1"]);
    let load = Load::start(&server, "points", &booster_row(), 4);
    let (mut phases, mut ends) = (vec![Phase::begin(0)], Vec::new());
    // A phase lasts from the answer that confirms its share until the next change is asked for.
    let watched = |ends: &mut Vec<Instant>| {
        let begun = load.count();
        soon("requests go on", || (load.count() >= begun + PHASE).then_some(()));
        ends.push(Instant::now());
    };
    watched(&mut ends);
    for (steps, last) in [(&[10, 100, 200][..], "abort"), (&[100, 300], "abort"), (&[50, 500, 900], "promote")] {
        let body = json!({ "model": "booster", "version": 2, "steps": steps, "bake_ms": 3_600_000 });
        let (status, answer) = server.post("/api/v1/endpoints/points/rollouts", &body);
        assert_eq!(status, 200, "{answer}");
        for (place, share) in steps.iter().enumerate() {
            if place > 0 {
                say(&server, "promote");
            }
            phases.push(Phase::begin(*share));
            watched(&mut ends);
        }
        say(&server, last);
        phases.push(Phase::begin(if last == "abort" { 0 } else { 1000 }));
        watched(&mut ends);
    }
    let asked = load.stop();
    assert_eq!(phases.len(), 12, "eleven changes");
    assert!(asked.len() >= PHASE * phases.len(), "{}", asked.len());
    for one in &asked {
        assert_eq!(one.status, 200, "{one:?}");
        let version = one.version.unwrap_or_else(|| panic!("nobody answered: {one:?}"));
        let had = |(place, phase): (usize, &Phase)| {
            // Between asking for a change and its confirmation both splits may answer.
            let since = place.checked_sub(1).and_then(|before| ends.get(before)).copied().unwrap_or(phase.from);
            let until = phases.get(place + 1).map_or(one.to, |next| next.from);
            one.to >= since && one.from <= until && phase.versions.contains(&version)
        };
        assert!(phases.iter().enumerate().any(had), "version {version} had no share: {one:?}");
    }
    for (phase, end) in phases.iter().zip(&ends) {
        let own: Vec<&Asked> = asked.iter().filter(|one| one.from >= phase.from && one.to <= *end).collect();
        let second = own.iter().filter(|one| one.version == Some(2)).count();
        let (got, wanted) = (second as f64 / own.len() as f64, f64::from(phase.share) / 1000.0);
        // Five standard deviations of so few requests.
        let off = 5.0 * (wanted * (1.0 - wanted) / own.len() as f64).sqrt();
        assert!((got - wanted).abs() <= off, "{got} instead of {wanted} of {}", own.len());
    }
    let span = asked.iter().map(|one| one.to - one.from).max().unwrap_or_default();
    assert!(span < Duration::from_secs(60), "{span:?}");
}
