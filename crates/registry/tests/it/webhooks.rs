use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flyball_core::{ErrorCode, Result, Timestamp, VirtualClock};
use flyball_egress::{Egress, Reach};
use flyball_governance::SecretKey;
use flyball_jobs::{Filter, Job, Jobs, Runner, State};
use flyball_registry::webhooks::{self, Action, Entity, NewWebhook, Status, Subject, Webhook, WebhookChange, Webhooks};
use flyball_registry::{aliases, tags};
use flyball_store::Db;
use flyball_testkit::{Received, Receiver, on_both};
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::fixture::{LATER, NOW, code, edit, look, model, prompt, reader, told, version};

/// Webhooks with what delivers them, on a clock that stands at `NOW`.
struct World {
    db: Db,
    clock: Arc<VirtualClock>,
    jobs: Jobs,
    webhooks: Webhooks,
}

impl World {
    fn new(db: &Db, reach: Reach) -> Self {
        let (db, clock) = (db.clone(), Arc::new(VirtualClock::at(NOW)));
        let webhooks = Webhooks::new(db.clone(), clock.clone(), Egress::new(reach), SecretKey::new([5; 32]));
        Self { jobs: Jobs::new(db.clone(), clock.clone()), db, clock, webhooks }
    }

    fn create(&self, new: NewWebhook) -> Result<Webhook> {
        let webhooks = self.webhooks.clone();
        edit(&self.db, move |tx, permit| webhooks.create(tx, permit, &new, NOW))
    }

    fn update(&self, id: &str, change: WebhookChange) -> Result<Webhook> {
        let (webhooks, id) = (self.webhooks.clone(), id.to_owned());
        edit(&self.db, move |tx, permit| webhooks.update(tx, permit, &id, &change, LATER))
    }

    /// Delivers what is due, and what becomes due when the clock goes on.
    fn deliver(&self) -> usize {
        let runner = Runner::new(self.jobs.clone(), vec![Arc::new(self.webhooks.clone())]);
        let mut attempts = runner.run_due().unwrap();
        while let Some(due) = self.jobs.next_due().unwrap() {
            self.clock.advance_to(due);
            attempts += runner.run_due().unwrap();
        }
        attempts
    }

    fn all_jobs(&self) -> Vec<Job> {
        self.jobs.list(&Filter::default()).unwrap()
    }
}

fn subject(entity: Entity, action: Action) -> Subject {
    Subject { entity, action }
}

fn new(id: &str, url: &str, events: &[Subject]) -> NewWebhook {
    NewWebhook {
        id: id.into(),
        name: "hook".into(),
        description: None,
        url: url.into(),
        events: events.to_vec(),
        secret: None,
        status: Status::Active,
    }
}

/// Every event that the registry has.
fn everything() -> Vec<Subject> {
    let mut all = Vec::new();
    for entity in Entity::ALL {
        let actions: &[Action] = match entity {
            Entity::ModelVersionTag | Entity::PromptTag | Entity::PromptVersionTag => &[Action::Set, Action::Deleted],
            Entity::ModelVersionAlias | Entity::PromptAlias => &[Action::Created, Action::Deleted],
            Entity::BudgetPolicy => &[Action::Exceeded],
            _ => &[Action::Created],
        };
        all.extend(actions.iter().map(|action| subject(*entity, *action)));
    }
    all
}

fn body(received: &Received) -> Value {
    serde_json::from_str(&received.body).unwrap()
}

#[test]
fn webhooks_are_made_changed_listed_and_deleted_and_never_tell_their_secret() {
    on_both(|db| {
        let world = World::new(db, Reach::Anywhere);
        let set = subject(Entity::PromptTag, Action::Set);
        let made = world
            .create(NewWebhook { secret: Some("hush".into()), ..new("a", "https://example.com/x", &[set, set]) })
            .unwrap();
        assert_eq!((made.events.as_slice(), made.status, made.created_at), (&[set][..], Status::Active, NOW));
        assert!(!format!("{made:?}").contains("hush"));
        let kept =
            look(db, |tx, _| tx.query_one("SELECT secret FROM webhooks", &[])?.unwrap().get::<Vec<u8>>("secret"));
        assert!(!kept.unwrap().windows(4).any(|bytes| bytes == b"hush"), "it is sealed in the database");
        assert_eq!(world.update("a", WebhookChange::default()).unwrap().updated_at, LATER);
        let changed = world
            .update(
                "a",
                WebhookChange {
                    name: Some("other".into()),
                    events: Some(vec![subject(Entity::Prompt, Action::Created)]),
                    status: Some(Status::Disabled),
                    ..WebhookChange::default()
                },
            )
            .unwrap();
        assert_eq!(
            (changed.name.as_str(), changed.url.as_str(), changed.status),
            ("other", "https://example.com/x", Status::Disabled)
        );
        assert_eq!(changed.events, [subject(Entity::Prompt, Action::Created)]);
        for bad in [
            WebhookChange { name: Some("-".into()), ..WebhookChange::default() },
            WebhookChange { events: Some(vec![subject(Entity::Prompt, Action::Set)]), ..WebhookChange::default() },
        ] {
            assert!(world.update("a", bad).is_err());
        }
        edit(db, |tx, permit| webhooks::delete(tx, permit, "a", LATER)).unwrap();
        assert_eq!(code(look(db, |tx, permit| webhooks::get(tx, permit, "a"))), ErrorCode::NotFound);
        assert_eq!(code(world.update("a", WebhookChange::default())), ErrorCode::NotFound);
        assert_eq!(code(edit(db, |tx, permit| webhooks::delete(tx, permit, "a", LATER))), ErrorCode::NotFound);
        let actions: Vec<_> = told(db).into_iter().map(|(action, _)| action).collect();
        assert_eq!(actions, ["webhook.create", "webhook.update", "webhook.update", "webhook.delete"]);
    });
}

#[test]
fn lists_begin_with_the_newest() {
    on_both(|db| {
        let world = World::new(db, Reach::Anywhere);
        for (id, at) in [("a", 1), ("b", 3), ("c", 2)] {
            let (webhooks, new) = (world.webhooks.clone(), new(id, "https://x.y/", &everything()));
            edit(db, move |tx, permit| webhooks.create(tx, permit, &new, Timestamp(at))).unwrap();
        }
        let page = |start, most| {
            let found = look(db, |tx, permit| webhooks::list(tx, permit, start, most)).unwrap();
            found.into_iter().map(|webhook| webhook.id).collect::<Vec<_>>()
        };
        assert_eq!((page(0, 2), page(2, 2)), (vec!["b".to_owned(), "c".into()], vec!["a".into()]));
    });
}

#[test]
fn a_delivery_is_signed_and_tells_what_happened() {
    on_both(|db| {
        let world = World::new(db, Reach::Anywhere);
        let receiver = Receiver::answering(&["200 OK"]);
        let created = subject(Entity::ModelVersion, Action::Created);
        world.create(NewWebhook { secret: Some("hush".into()), ..new("a", &receiver.url, &[created]) }).unwrap();
        model(db, "m", &[]);
        version(db, "m", &[("k", "v")]);
        assert_eq!(world.deliver(), 1);
        let received = receiver.next();
        assert!(received.head.starts_with("POST /hook HTTP/1.1"), "{received:?}");
        assert_eq!(received.header("content-type"), "application/json");
        let (id, at) = (received.header("X-MLflow-Delivery-Id"), received.header("X-MLflow-Timestamp"));
        assert_eq!((id.len(), at), (36, (NOW.0 / 1000).to_string().as_str()));
        let mut mac = Hmac::<Sha256>::new_from_slice(b"hush").unwrap();
        mac.update(format!("{id}.{at}.{}", received.body).as_bytes());
        let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
        assert_eq!(received.header("X-MLflow-Signature"), signature);
        assert_eq!(
            body(&received),
            json!({
                "entity": "model_version", "action": "created", "timestamp": NOW.to_string(),
                "data": {
                    "name": "m", "version": "1", "source": "s3://bucket/m", "run_id": null, "tags": { "k": "v" },
                    "description": null,
                },
            })
        );
        assert_eq!(world.all_jobs()[0].state, State::Succeeded);
    });
}

#[test]
fn every_change_is_told_and_those_of_prompts_as_such_only() {
    on_both(|db| {
        let world = World::new(db, Reach::Anywhere);
        let receiver = Receiver::answering(&["204 No Content"]);
        world.create(new("a", &receiver.url, &everything())).unwrap();
        model(db, "m", &[("k", "v")]);
        version(db, "m", &[]);
        prompt(db, "p");
        for name in ["m", "p"] {
            edit(db, move |tx, permit| {
                tags::set_on_model(tx, permit, name, "k", "v", NOW)?;
                tags::delete_on_model(tx, permit, name, "k", NOW)?;
                tags::set_on_version(tx, permit, name, 1, ("k", "v"), NOW)?;
                tags::delete_on_version(tx, permit, name, 1, "k", NOW)?;
                tags::delete_on_version(tx, permit, name, 1, "not there", NOW)?;
                aliases::set(tx, permit, name, "best", 1, None, NOW)?;
                aliases::remove(tx, permit, name, "best", None, NOW)?;
                aliases::remove(tx, permit, name, "none", None, NOW)
            })
            .unwrap();
        }
        let mut told = Vec::new();
        for _ in 0..world.deliver() {
            let body = body(&receiver.next());
            told.push(format!(
                "{}.{} {}",
                body["entity"].as_str().unwrap(),
                body["action"].as_str().unwrap(),
                body["data"]
            ));
        }
        assert!(receiver.is_quiet());
        told.sort();
        let wanted = [
            r#"model_version.created {"name":"m","version":"1","source":"s3://bucket/m","run_id":null,"tags":{},"description":null}"#,
            r#"model_version_alias.created {"name":"m","alias":"best","version":"1"}"#,
            r#"model_version_alias.deleted {"name":"m","alias":"best"}"#,
            r#"model_version_tag.deleted {"name":"m","version":"1","key":"k"}"#,
            r#"model_version_tag.set {"name":"m","version":"1","key":"k","value":"v"}"#,
            r#"prompt.created {"name":"p","tags":{},"description":""}"#,
            r#"prompt_alias.created {"name":"p","alias":"best","version":"1"}"#,
            r#"prompt_alias.deleted {"name":"p","alias":"best"}"#,
            r#"prompt_tag.deleted {"name":"p","key":"k"}"#,
            r#"prompt_tag.set {"name":"p","key":"k","value":"v"}"#,
            r#"prompt_version.created {"name":"p","version":"1","template":"Hi {{x}}","tags":{},"description":null}"#,
            r#"prompt_version_tag.deleted {"name":"p","version":"1","key":"k"}"#,
            r#"prompt_version_tag.set {"name":"p","version":"1","key":"k","value":"v"}"#,
            r#"registered_model.created {"name":"m","tags":{"k":"v"},"description":""}"#,
        ];
        assert_eq!(told, wanted);
    });
}

#[test]
fn a_busy_receiver_is_asked_again_with_the_same_id_and_a_later_time() {
    on_both(|db| {
        let world = World::new(db, Reach::Anywhere);
        let receiver = Receiver::answering(&["503 Service Unavailable", "429 Too Many Requests", "200 OK"]);
        world.create(new("a", &receiver.url, &[subject(Entity::RegisteredModel, Action::Created)])).unwrap();
        model(db, "m", &[]);
        assert_eq!(world.deliver(), 3);
        let tries: Vec<Received> = (0..3).map(|_| receiver.next()).collect();
        assert!(tries.iter().all(|one| one.body == tries[0].body && one.header("X-MLflow-Signature").is_empty()));
        let ids: Vec<_> = tries.iter().map(|one| one.header("X-MLflow-Delivery-Id")).collect();
        assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
        let times: Vec<i64> = tries.iter().map(|one| one.header("X-MLflow-Timestamp").parse().unwrap()).collect();
        assert_eq!([times[1] - times[0], times[2] - times[0]], [1, 3]);
        assert_eq!(world.all_jobs()[0].state, State::Succeeded);
    });
}

#[test]
fn a_receiver_that_stays_busy_is_given_up_after_three_more_tries() {
    on_both(|db| {
        let world = World::new(db, Reach::Anywhere);
        let receiver = Receiver::answering(&["500 Internal Server Error"]);
        world.create(new("a", &receiver.url, &[subject(Entity::RegisteredModel, Action::Created)])).unwrap();
        model(db, "m", &[]);
        assert_eq!(world.deliver(), 4);
        let job = world.all_jobs().remove(0);
        assert_eq!((job.state, job.error.as_deref()), (State::Failed, Some("the receiver answered 500")));
    });
}

#[test]
fn a_refusal_or_a_redirect_is_final() {
    on_both(|db| {
        for status in [&["404 Not Found"], &["302 Found"]] {
            let world = World::new(db, Reach::Anywhere);
            let receiver = Receiver::answering(status);
            let (id, name) = (status[0], status[0].replace(' ', "-"));
            world.create(new(id, &receiver.url, &[subject(Entity::RegisteredModel, Action::Created)])).unwrap();
            model(db, &name, &[]);
            assert_eq!(world.deliver(), 1, "{id}");
            receiver.next();
            assert!(receiver.is_quiet());
            edit(db, |tx, permit| webhooks::delete(tx, permit, id, LATER)).unwrap();
        }
    });
}

#[test]
fn nobody_inside_is_called_unless_the_operator_allows_it() {
    on_both(|db| {
        let world = World::new(db, Reach::Public);
        for bad in ["http://example.com/", "https://127.0.0.1/x", "https://[::ffff:10.0.0.1]/", "https://2130706433/"] {
            let error = world.webhooks.vet(bad).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidInput, "{bad}");
            assert!(error.message().contains("Invalid webhook URL"), "{error}");
        }
        // One that was vetted and points inside by now.
        let receiver = Receiver::answering(&["200 OK"]);
        let url = receiver.url.replace("http://127.0.0.1", "https://localhost");
        world.create(new("a", &url, &[subject(Entity::RegisteredModel, Action::Created)])).unwrap();
        model(db, "m", &[]);
        assert_eq!(world.deliver(), 1, "it is not tried again");
        let job = world.all_jobs().remove(0);
        assert_eq!((job.state, job.error_code.as_deref()), (State::Failed, Some("forbidden")));
        assert!(receiver.is_quiet());
    });
}

#[test]
fn deliveries_of_a_webhook_that_is_gone_or_disabled_are_dropped() {
    on_both(|db| {
        let world = World::new(db, Reach::Anywhere);
        let receiver = Receiver::answering(&["200 OK"]);
        for id in ["gone", "disabled"] {
            world.create(new(id, &receiver.url, &[subject(Entity::RegisteredModel, Action::Created)])).unwrap();
        }
        model(db, "m", &[]);
        edit(db, |tx, permit| webhooks::delete(tx, permit, "gone", LATER)).unwrap();
        let off = WebhookChange { status: Some(Status::Disabled), ..WebhookChange::default() };
        world.update("disabled", off).unwrap();
        model(db, "n", &[]);
        assert_eq!(world.deliver(), 2, "the second change was not for them any more");
        assert!(receiver.is_quiet());
        assert!(world.all_jobs().iter().all(|job| job.state == State::Succeeded));
    });
}

#[test]
fn a_change_that_fails_is_not_told() {
    on_both(|db| {
        let world = World::new(db, Reach::Anywhere);
        world.create(new("a", "https://x.y/", &everything())).unwrap();
        let outcome: Result<()> = edit(db, |tx, permit| {
            let new = flyball_registry::NewModel { name: "m".into(), ..Default::default() };
            flyball_registry::models::create(tx, permit, &new, NOW)?;
            Err(flyball_core::Error::invalid("after it"))
        });
        assert!(outcome.is_err() && world.all_jobs().is_empty());
    });
}

#[test]
fn trying_out_sends_an_example_at_once() {
    on_both(|db| {
        let world = World::new(db, Reach::Anywhere);
        let receiver = Receiver::answering(&["200 OK", "418 I'm a teapot"]);
        let events = [subject(Entity::ModelVersionAlias, Action::Created)];
        let hook =
            NewWebhook { status: Status::Disabled, secret: Some("s".into()), ..new("a", &receiver.url, &events) };
        world.create(hook).unwrap();
        let good = world.webhooks.test(&reader(), "a", None, "1").unwrap();
        let answer = good.answer.unwrap();
        assert_eq!((good.success, answer.status, answer.body.as_str()), (true, 200, "body"));
        let received = receiver.next();
        assert!(received.header("X-MLflow-Signature").starts_with("v1,"));
        assert_eq!(
            body(&received)["data"],
            json!({ "name": "example_model", "alias": "example_alias", "version": "1" })
        );
        for event in everything() {
            let result = world.webhooks.test(&reader(), "a", Some(event), "2").unwrap();
            assert_eq!((result.success, result.answer.unwrap().status), (false, 418));
            let body = body(&receiver.next());
            assert_eq!(body["entity"], event.entity.as_str());
            assert!(body["data"].as_object().is_some_and(|data| !data.is_empty()));
        }
        assert_eq!(code(world.webhooks.test(&reader(), "b", None, "3")), ErrorCode::NotFound);
        let nonsense = subject(Entity::Prompt, Action::Exceeded);
        assert_eq!(code(world.webhooks.test(&reader(), "a", Some(nonsense), "4")), ErrorCode::InvalidInput);
        world
            .update("a", WebhookChange { url: Some("http://127.0.0.1:1/".into()), ..WebhookChange::default() })
            .unwrap();
        let dead = world.webhooks.test(&reader(), "a", None, "5").unwrap();
        assert!(!dead.success && dead.answer.is_none() && dead.error.unwrap().contains("Failed to test webhook"));
    });
}
