//! Requests as they go out, and what their answers turn into.

use std::time::Duration;

use bytes::Bytes;
use lockstep_cluster::{
    ApiError, ApplyOptions, DeleteOptions, DryRun, FieldValidation, Force, Limiter, Patch, Priority,
    RequestKey, Resource, ResourceScope, Selector, Verb, Writer,
};
use lockstep_core::{Gvk, ObjectKey, Propagation};

use crate::fake::{Fake, object, page, status};

fn config_maps() -> Resource {
    Resource::new(Gvk::new("", "v1", "ConfigMap"), "configmaps", ResourceScope::Namespaced)
}

fn key() -> ObjectKey {
    ObjectKey::new("", "ConfigMap", "n", "a")
}

fn writer(fake: &Fake) -> Writer {
    Writer::new(&fake.connection(), &Limiter::default())
}

fn options(force: Force, dry_run: DryRun) -> ApplyOptions {
    ApplyOptions { manager: "lock step".into(), force, dry_run, validation: FieldValidation::Strict }
}

#[tokio::test]
async fn an_apply_is_a_patch_of_its_own_content_type() {
    let fake = Fake::new();
    fake.reply_with(
        "PATCH /api/v1/namespaces/n/configmaps/a",
        &object("n", "a", 7),
        ("warning", "299 - \"unknown field\""),
    );
    let written = writer(&fake)
        .apply(&config_maps(), &key(), Bytes::from_static(b"{}"), &options(Force::Yes, DryRun::Yes))
        .await
        .unwrap();
    assert_eq!(&*written.object.meta.resource_version, "7");
    assert_eq!((written.created, written.warnings), (false, vec!["unknown field".into()]));
    let seen = &fake.seen("PATCH")[0];
    assert_eq!(seen.content_type, "application/apply-patch+yaml");
    let query = "?fieldManager=lock%20step&fieldValidation=Strict&dryRun=All&force=true";
    assert!(seen.line.ends_with(query), "{}", seen.line);
}

#[tokio::test]
async fn other_writes_use_their_own_paths_and_bodies() {
    let fake = Fake::new();
    let writer = writer(&fake);
    fake.on("POST /api/v1/namespaces/n/configmaps", 201, &object("n", "a", 7));
    fake.on("PUT /api/v1/namespaces/n/configmaps/a", 200, &object("n", "a", 8));
    fake.on("PATCH /api/v1/namespaces/n/configmaps/a/status", 200, &object("n", "a", 9));
    let (maps, key, real) = (config_maps(), key(), options(Force::No, DryRun::No));
    assert!(writer.create(&maps, &key, Bytes::from_static(b"{1}"), &real).await.unwrap().created);
    assert!(!writer.update(&maps, &key, Bytes::from_static(b"{2}"), &real).await.unwrap().created);
    writer.patch(&maps, &key, "status", Patch::Merge(Bytes::from_static(b"{3}")), &real).await.unwrap();
    writer.patch(&maps, &key, "status", Patch::Json(Bytes::from_static(b"[4]")), &real).await.unwrap();
    let sent: Vec<_> = ["POST", "PUT", "PATCH"].iter().flat_map(|method| fake.seen(method)).collect();
    let bodies: Vec<_> = sent.iter().map(|seen| (seen.body.as_str(), seen.content_type.as_str())).collect();
    assert_eq!(
        bodies,
        [
            ("{1}", "application/json"),
            ("{2}", "application/json"),
            ("{3}", "application/merge-patch+json"),
            ("[4]", "application/json-patch+json"),
        ]
    );
}

#[tokio::test]
async fn deletions_carry_their_preconditions_and_tell_what_stays() {
    let fake = Fake::new();
    let going = r#"{"kind":"ConfigMap","metadata":{"name":"a","namespace":"n","uid":"u","resourceVersion":"9","deletionTimestamp":"2026-11-24T06:50:00Z"}}"#;
    let path = "DELETE /api/v1/namespaces/n/configmaps/a";
    fake.on(path, 200, going);
    fake.on(
        path,
        200,
        r#"{"kind":"Status","metadata":{},"status":"Success","details":{"name":"a","uid":"u"}}"#,
    );
    fake.on(path, 409, &status(409, "Conflict"));
    let uid = DeleteOptions {
        uid: Some("u".into()),
        resource_version: None,
        propagation: Propagation::Foreground,
        dry_run: DryRun::No,
    };
    let writer = writer(&fake);
    let left = writer.delete(&config_maps(), &key(), &uid).await.unwrap();
    assert!(left.unwrap().meta.deleting_since.is_some());
    assert!(writer.delete(&config_maps(), &key(), &uid).await.unwrap().is_none());
    assert_eq!(writer.delete(&config_maps(), &key(), &uid).await.unwrap_err(), ApiError::Gone);
    let both = DeleteOptions { resource_version: Some("7".into()), ..uid };
    assert_eq!(writer.delete(&config_maps(), &key(), &both).await.unwrap_err(), ApiError::Stale);
    let bodies = fake.seen("DELETE");
    assert_eq!(
        bodies[0].body,
        r#"{"kind":"DeleteOptions","apiVersion":"v1","propagationPolicy":"Foreground","preconditions":{"uid":"u"}}"#
    );
    assert!(bodies[3].body.contains(r#"{"uid":"u","resourceVersion":"7"}"#));
}

#[tokio::test]
async fn every_request_is_counted_by_what_it_was_and_how_it_ended() {
    let fake = Fake::new();
    fake.on("PATCH /api/v1/namespaces/n/configmaps/a", 200, &object("n", "a", 7));
    fake.on("PATCH /api/v1/namespaces/n/configmaps/a", 422, &status(422, "Invalid"));
    let writer = writer(&fake);
    for dry_run in [DryRun::Yes, DryRun::No, DryRun::No] {
        _ = writer
            .apply(&config_maps(), &key(), Bytes::from_static(b"{}"), &options(Force::No, dry_run))
            .await;
    }
    let table = writer.connection().requests().snapshot();
    let rows: Vec<_> = table.iter().map(|(key, stat)| (key.code, key.dry_run, stat.count)).collect();
    assert_eq!(rows, [(200, true, 1), (422, false, 2)]);
    let expected = RequestKey {
        verb: Verb::Apply,
        group: "".into(),
        kind: "ConfigMap".into(),
        code: 422,
        dry_run: false,
    };
    assert_eq!(table[1].0, expected);
}

#[tokio::test(start_paused = true)]
async fn a_429_holds_every_write_for_as_long_as_the_server_asks() {
    let fake = Fake::new();
    let path = "PATCH /api/v1/namespaces/n/configmaps/a";
    fake.on_with(path, 429, ("retry-after", "4"));
    fake.on(path, 200, &object("n", "a", 7));
    let limiter = Limiter::default();
    let writer = Writer::new(&fake.connection(), &limiter);
    let real = options(Force::No, DryRun::No);
    let before = limiter.limit();
    let refused = writer.apply(&config_maps(), &key(), Bytes::from_static(b"{}"), &real).await.unwrap_err();
    assert_eq!(refused, ApiError::TooManyRequests { retry_after: Some(Duration::from_secs(4)) });
    assert!(refused.retryable() && limiter.limit() < before);
    let started = tokio::time::Instant::now();
    writer
        .with(Priority::Heal)
        .apply(&config_maps(), &key(), Bytes::from_static(b"{}"), &real)
        .await
        .unwrap();
    assert_eq!(started.elapsed().as_secs(), 4);
}

#[tokio::test]
async fn words_of_the_server_about_secrets_do_not_get_out() {
    let fake = Fake::new();
    let leak = r#"{"kind":"Status","metadata":{},"status":"Failure","message":"illegal base64: hunter2","reason":"BadRequest","code":400}"#;
    fake.on("PATCH /api/v1/namespaces/n/secrets/a", 400, leak);
    let secrets = Resource::new(Gvk::new("", "v1", "Secret"), "secrets", ResourceScope::Namespaced);
    let key = ObjectKey::new("", "Secret", "n", "a");
    let error = writer(&fake)
        .apply(&secrets, &key, Bytes::from_static(b"{}"), &ApplyOptions::default())
        .await
        .unwrap_err();
    assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
}

#[tokio::test]
async fn a_list_that_expires_between_two_pages_begins_again() {
    let fake = Fake::new();
    let (first, second) = ("GET /api/v1/configmaps?limit=500", "GET /api/v1/configmaps?limit=500&continue=");
    fake.on(first, 200, &page(&[object("n", "a", 1)], 8, "more"));
    fake.on(second, 410, &status(410, "Expired"));
    fake.on(second, 200, &page(&[object("n", "b", 2)], 9, ""));
    let objects = fake.connection().list(&config_maps(), None, &Selector::default()).await.unwrap();
    let names: Vec<_> = objects.iter().map(|object| &*object.meta.name).collect();
    assert_eq!(names, ["a", "b"]);
    assert_eq!(fake.seen(first).len(), 4);
}

#[tokio::test]
async fn credentials_that_are_not_accepted_say_so() {
    let fake = Fake::new();
    fake.on("GET /api/v1/namespaces/n/configmaps/a", 401, &status(401, "Unauthorized"));
    let error = fake.connection().get(&config_maps(), &key()).await.unwrap_err();
    assert_eq!(error, ApiError::Unauthorized);
    assert!(!error.retryable());
}

#[tokio::test]
async fn an_answer_that_is_no_object_is_no_success() {
    let fake = Fake::new();
    fake.on("GET /api/v1/namespaces/n/configmaps/a", 200, "<html>a proxy's greeting</html>");
    let error = fake.connection().get(&config_maps(), &key()).await.unwrap_err();
    assert!(matches!(error, ApiError::Unavailable { .. }), "{error:?}");
}
