use flyball_core::{Clock, Duration, ErrorCode};
use flyball_egress::Reach;
use flyball_governance::audit;
use flyball_monitoring::alert::{AlertKind, AlertPolicy, Finding, Severity, silence, store};
use flyball_monitoring::notify::{Destination, Format, Route};
use flyball_testkit::{Received, Receiver, on_both};
use serde_json::{Value, json};

use crate::fixture::{LOOP, World, drift, hook, route};

fn body(received: &Received) -> Value {
    serde_json::from_str(&received.body).unwrap()
}

/// The type of the next CloudEvent, without what all have in front.
fn next_event(receiver: &Receiver) -> String {
    body(&receiver.next())["type"].as_str().unwrap().rsplit('.').next().unwrap().to_owned()
}

fn quick() -> AlertPolicy {
    AlertPolicy { clear: "1 window".parse().unwrap(), ..AlertPolicy::default() }
}

#[test]
fn a_receiver_is_told_once_of_each_turn() {
    on_both(|db| {
        let receiver = Receiver::answering(&["200 OK"]);
        let world = World::new(db, quick(), vec![hook(&receiver.url)]);
        world.drift(true);
        world.find(drift(true).about("JFK"));
        world.deliver();
        let fired = body(&receiver.next());
        assert_eq!(fired["data"]["alerts"].as_array().unwrap().len(), 2, "told together");
        assert_eq!(
            fired["data"]["link"],
            format!("https://flyball.example/alerts/{}", fired["data"]["alerts"][0]["id"].as_str().unwrap())
        );
        world.drift(true);
        world.live(5);
        assert!(receiver.is_quiet(), "nothing new");
        world.live(30);
        assert_eq!(next_event(&receiver), "firing", "told again after a day");
        assert!(receiver.is_quiet());
        for alert in world.alerts() {
            world.edit(move |tx, permit, now| store::acknowledge(tx, permit, &alert.id, "", now)).unwrap();
        }
        world.deliver();
        assert_eq!(next_event(&receiver), "acknowledged");
        world.live(60);
        assert!(receiver.is_quiet(), "somebody is at it");
        world.find(drift(false).about("JFK"));
        world.drift(false);
        world.deliver();
        let over = body(&receiver.next());
        assert_eq!(
            (&over["type"], &over["data"]["status"]),
            (&json!("dev.flyball.alert.resolved"), &json!("resolved"))
        );
        assert_eq!(over["data"]["alerts"].as_array().unwrap().len(), 2);
        world.live(100);
        assert!(receiver.is_quiet());
        let deliveries = world.deliveries();
        assert_eq!(deliveries.len(), 4);
        assert!(deliveries.iter().all(|d| d.state == "succeeded" && d.attempts == 1 && d.result.is_some()));
        assert_eq!(world.jobs.next_due().unwrap(), None, "nothing is left to do");
    });
}

#[test]
fn what_comes_and_goes_is_told_once() {
    on_both(|db| {
        let receiver = Receiver::answering(&["200 OK"]);
        let policy = AlertPolicy { cool_down: Duration::hours(12), ..quick() };
        let world = World::new(db, policy, vec![hook(&receiver.url)]);
        for _ in 0..4 {
            world.drift(true);
            world.live(0);
            world.drift(false);
            world.live(0);
        }
        assert_eq!([next_event(&receiver), next_event(&receiver)], ["firing", "resolved"]);
        assert!(receiver.is_quiet());
        world.drift(true);
        world.live(12);
        assert_eq!(next_event(&receiver), "firing", "it stayed");
    });
}

#[test]
fn a_late_delivery_tells_how_it_stands_and_an_overtaken_one_is_dropped() {
    on_both(|db| {
        let receiver = Receiver::answering(&["503 Unavailable", "200 OK"]);
        let world = World::new(db, quick(), vec![hook(&receiver.url)]);
        world.drift(true);
        world.deliver();
        assert_eq!(next_event(&receiver), "firing");
        let waiting = world.deliveries().remove(0);
        assert_eq!((waiting.state.as_str(), waiting.attempts), ("queued", 1));
        assert!(waiting.next_try_at.unwrap() > world.clock.now());
        assert_eq!(waiting.error.as_deref(), Some("the receiver answered 503: body"));
        world.drift(false);
        world.live(1);
        assert_eq!(next_event(&receiver), "resolved");
        assert!(receiver.is_quiet());
        let states: Vec<_> = world.deliveries().into_iter().map(|d| (d.event.as_str(), d.state, d.result)).collect();
        assert_eq!(states[0], ("resolve", "succeeded".into(), Some(json!({ "status": 200 }))));
        assert_eq!(states[1].2, Some(json!({ "dropped": "a newer one tells how it stands" })));
    });
}

#[test]
fn refusals_and_long_outages_end() {
    on_both(|db| {
        let receiver = Receiver::answering(&["404 Not Found"]);
        let world = World::new(db, quick(), vec![hook(&receiver.url)]);
        world.drift(true);
        world.live(2);
        receiver.next();
        assert!(receiver.is_quiet(), "it would answer the same again");
        assert_eq!(world.deliveries()[0].state, "failed");
        let closed = World::new(db, quick(), vec![hook("http://127.0.0.1:1/")]);
        closed.find(Finding::new(AlertKind::Page, true, "help", json!({})));
        closed.live(3);
        let given_up = closed.deliveries().into_iter().find(|d| d.kind == AlertKind::Page).unwrap();
        assert_eq!((given_up.state.as_str(), given_up.attempts), ("failed", 15));
        assert!(given_up.finished_at.unwrap() - given_up.at > Duration::seconds(3000), "tried for most of an hour");
    });
}

#[test]
fn silence_is_kept_and_ends() {
    on_both(|db| {
        let receiver = Receiver::answering(&["200 OK"]);
        let world = World::new(db, quick(), vec![hook(&receiver.url)]);
        let silence = world.silence("kind=drift", 6);
        world.drift(true);
        world.find(Finding::new(AlertKind::Training, true, "failed", json!({})));
        world.live(3);
        assert_eq!(body(&receiver.next())["data"]["kind"], "training", "others are told");
        assert!(receiver.is_quiet());
        world.live(6);
        assert_eq!(next_event(&receiver), "firing", "the silence is over and it still fires");
        world.drift(false);
        world.live(2);
        assert_eq!(next_event(&receiver), "resolved");
        let again = world.silence("loop=~fl.*", 48);
        world.drift(true);
        world.live(1);
        assert!(receiver.is_quiet());
        world
            .edit(move |tx, permit, now| {
                silence::expire(tx, permit, &again.id, now)?;
                flyball_monitoring::notify::outbox::tell_all(tx, permit, now)
            })
            .unwrap();
        world.live(0);
        assert_eq!(next_event(&receiver), "firing", "ended by hand");
        let id = silence.id;
        let late = world.edit(move |tx, permit, now| silence::expire(tx, permit, &id, now).map(drop));
        assert_eq!(late.unwrap_err().code(), ErrorCode::Conflict);
        let kept = world.read(|tx, permit| silence::list(tx, permit, 10));
        assert_eq!(
            (kept.len(), kept[1].comment.as_str(), kept[1].created_by.as_str()),
            (2, "maintenance", "user:local")
        );
    });
}

#[test]
fn routes_choose_by_severity_and_the_second_line_waits() {
    on_both(|db| {
        let (all, worst, later) =
            (Receiver::answering(&["200 OK"]), Receiver::answering(&["200 OK"]), Receiver::answering(&["200 OK"]));
        let named = |name: &str, receiver: &Receiver| Route { name: name.into(), ..hook(&receiver.url) };
        let routes = vec![
            named("all", &all),
            Route { severity: Severity::Critical, ..named("worst", &worst) },
            Route { after: Duration::hours(2), ..named("later", &later) },
        ];
        let world = World::new(db, quick(), routes);
        world.drift(true);
        world.live(1);
        assert_eq!(next_event(&all), "firing");
        assert!(worst.is_quiet() && later.is_quiet());
        world.live(1);
        assert_eq!(next_event(&later), "firing", "nobody took it on");
        world.find(Finding { severity: Severity::Critical, ..drift(true) });
        world.live(0);
        assert_eq!(next_event(&worst), "firing", "it got worse");
        world.find(Finding::new(AlertKind::Rollout, true, "aborted", json!({})));
        world.live(0);
        assert_eq!(next_event(&all), "firing");
        let rollout = world.alerts().into_iter().find(|alert| alert.kind == AlertKind::Rollout).unwrap().id;
        world.edit(move |tx, permit, now| store::acknowledge(tx, permit, &rollout, "", now)).unwrap();
        world.live(5);
        assert_eq!(next_event(&all), "acknowledged");
        assert!(later.is_quiet(), "taken on in time");
    });
}

/// Every dialect with a secret in its address or body.
#[test]
fn secrets_stay_sealed() {
    on_both(|db| {
        const CANARY: &str = "canary-7f3a9b";
        let receiver = Receiver::answering(&["404 Not Found"]);
        let address: String = receiver.url.replace("/hook", "/${{ secrets.TOKEN }}");
        let to = || address.parse().unwrap();
        let routes = vec![
            route("slack", Destination::Slack { to: to() }),
            route(
                "pagerduty",
                Destination::Pagerduty {
                    to: "${{ secrets.TOKEN }}".parse().unwrap(),
                    server: Some(receiver.url.parse().unwrap()),
                },
            ),
            route("alertmanager", Destination::Alertmanager { to: to() }),
            route(
                "webhook",
                Destination::Webhook {
                    to: to(),
                    secret: Some("${{ secrets.TOKEN }}".parse().unwrap()),
                    format: Format::CloudeventsBinary,
                },
            ),
        ];
        let world = World::new(db, quick(), routes.clone());
        world.drift(true);
        world.deliver();
        assert!(receiver.is_quiet());
        assert!(
            world
                .deliveries()
                .iter()
                .all(|d| d.error.as_deref() == Some("the secret TOKEN is not set") && d.state == "queued")
        );
        world.set_secret("TOKEN", &format!("{CANARY}\n"));
        world.live(1);
        let sent: Vec<Received> = (0..4).map(|_| receiver.next()).collect();
        assert!(sent.iter().all(|one| one.head.contains(CANARY) || one.body.contains(CANARY)), "used");
        let broken = world.notifier.test(&world_permit(), LOOP, "slack", "1").unwrap();
        assert_eq!((broken.success, broken.error.as_deref()), (false, Some("the receiver answered 404: body")));
        let shown = json!([world.deliveries(), world.alerts(), routes]).to_string();
        let kept = format!("{:?} {:?}", world.all_jobs(), world.read(|tx, _| audit::newest(tx, None, 100)));
        assert!(!shown.contains(CANARY) && !kept.contains(CANARY));
    });
}

fn world_permit() -> flyball_core::Permit<flyball_core::Read> {
    flyball_governance::identity::local_user().unwrap().edit().read()
}

#[test]
fn a_test_arrives_and_leaves_nothing_open() {
    on_both(|db| {
        let receiver = Receiver::answering(&["202 Accepted"]);
        let pagerduty =
            Destination::Pagerduty { to: "key".parse().unwrap(), server: Some(receiver.url.parse().unwrap()) };
        let world = World::new(db, quick(), vec![route("pagerduty", pagerduty), hook(&receiver.url)]);
        let tried = world.notifier.test(&world_permit(), LOOP, "pagerduty", "1").unwrap();
        assert_eq!((tried.success, tried.status), (true, Some(202)));
        let actions = [receiver.next(), receiver.next()].map(|one| body(&one)["event_action"].clone());
        assert_eq!(actions, ["trigger", "resolve"]);
        assert!(world.notifier.test(&world_permit(), LOOP, "webhook", "2").unwrap().success);
        assert_eq!(next_event(&receiver), "firing");
        assert!(receiver.is_quiet() && world.alerts().is_empty() && world.deliveries().is_empty());
        let unknown = world.notifier.test(&world_permit(), LOOP, "slack", "3").unwrap_err();
        assert_eq!(unknown.code(), ErrorCode::NotFound);
    });
}

#[test]
fn private_addresses_are_refused() {
    on_both(|db| {
        let receiver = Receiver::answering(&["200 OK"]);
        let world = World::reaching(db, Reach::Public, quick(), vec![hook(&receiver.url)]);
        world.drift(true);
        world.live(2);
        assert!(receiver.is_quiet());
        assert_eq!(world.deliveries()[0].state, "failed");
    });
}
