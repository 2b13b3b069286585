//! The controller killed at any moment: the next one reaches the same state and writes nothing that was in sync.
use std::collections::BTreeMap;

use futures::StreamExt;
use serde_json::{Value, json};
use xtask::{Resource, SOON, Scenario, WatchEvent, text};

use crate::harness::witness::{APPLICATION, SHOP, deployed, killed, restart};
use crate::harness::{config_map, heal, ready_condition, scenario};

/// Objects of an Application: more than are written at the same time.
const OBJECTS: usize = 60;

/// When the controller is killed, after the work was given to it.
#[derive(Debug, Clone, Copy)]
enum Moment {
    /// At once.
    Told,
    /// When so many objects have changed.
    Objects(usize),
    /// When it has recorded something.
    Recorded,
    /// When it has written to the Application: its finalizer, or its status.
    Application,
}

/// Events of one collection from now on.
struct Events(futures::stream::BoxStream<'static, Result<WatchEvent<Value>, String>>);

impl Events {
    async fn of(stage: &Scenario, collection: &str) -> Self {
        let rest = stage.cluster.rest();
        let (_, version) = rest.list(collection).await.expect("list");
        let events = rest.watch(collection, &version).await.expect("watch");
        Self(events.map(|event| event.map_err(|error| error.to_string())).boxed())
    }

    /// Waits for so many changes; `counts` says which.
    async fn wait(&mut self, many: usize, counts: impl Fn(&Value) -> bool) {
        let mut seen = 0;
        while seen < many {
            let event = tokio::time::timeout(SOON, self.0.next())
                .await
                .expect("the controller works")
                .expect("stream");
            match event.expect("watch") {
                WatchEvent::Added(object) | WatchEvent::Modified(object) | WatchEvent::Deleted(object) => {
                    seen += usize::from(counts(&object));
                }
                WatchEvent::Bookmark(_) | WatchEvent::Error(_) => {}
            }
        }
    }
}

/// Gives the controller work, kills it at the moment, and starts it again.
async fn interrupted(stage: &mut Scenario, moment: Moment, work: impl AsyncFnOnce(&Scenario)) {
    let of = |api_version, kind, namespace: &str| Resource::of(api_version, kind).collection(Some(namespace));
    let collection = match moment {
        Moment::Told | Moment::Objects(_) => of("v1", "ConfigMap", &stage.namespace),
        Moment::Recorded => of("v1", "Secret", &stage.own),
        Moment::Application => of(APPLICATION.0, APPLICATION.1, &stage.namespace),
    };
    let mut events = Events::of(stage, &collection).await;
    work(stage).await;
    match moment {
        Moment::Told => {}
        Moment::Objects(many) => {
            events.wait(many, |object| text(object, "/metadata/name") != "kube-root-ca.crt").await
        }
        Moment::Recorded => events.wait(1, |_| true).await,
        // The tester's own write has no finalizer; whatever follows is the controller's.
        Moment::Application => {
            events.wait(1, |object| object.pointer("/metadata/finalizers").is_some()).await;
        }
    }
    killed(stage);
}

/// What an Application's objects should be: value by name.
type Wanted = BTreeMap<String, String>;

fn write(stage: &Scenario, dir: &str, wanted: &Wanted) {
    for (name, value) in wanted {
        stage.repo.write(&format!("{dir}/{name}.yaml"), &config_map(name, value));
    }
}

/// Every ConfigMap of the namespace that the controller made.
async fn live(stage: &Scenario) -> Wanted {
    let collection = Resource::of("v1", "ConfigMap").collection(Some(&stage.namespace));
    let (items, _) = stage.cluster.rest().list(&collection).await.expect("list");
    let ours = items.iter().filter(|item| item["metadata"]["annotations"]["lockstep.dev/owner"].is_string());
    ours.map(|item| (text(item, "/metadata/name").to_owned(), text(item, "/data/value").to_owned())).collect()
}

/// How often the controllers wrote each ConfigMap, by name.
fn writes(stage: &Scenario) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for write in stage.writes() {
        if write.agent == "lockstep" && write.resource == "configmaps" {
            *counts.entry(write.name).or_default() += 1;
        }
    }
    counts
}

/// How often each object had to be written so far: as often as it changed. Counted from the beginning, since the log may lack what
/// was just answered: a difference between two looks could be of the round before.
type Due = BTreeMap<String, usize>;

/// Gives the controller work that changes these objects, kills it at the moment and starts it again: it reaches what is wanted
/// all the same, and writes each of these once at most and nothing else at all. (A write that was under way may have been done
/// and never answered.)
async fn survives(
    stage: &mut Scenario,
    moment: Moment,
    (app, changed, all, due): (&str, &Wanted, &Wanted, &mut Due),
    work: impl AsyncFnOnce(&Scenario),
) {
    interrupted(stage, moment, work).await;
    stage.ready(app, &stage.repo.head()).await;
    assert_eq!(live(stage).await, *all, "{moment:?}");
    changed.keys().for_each(|name| *due.entry(name.clone()).or_default() += 1);
    for (name, count) in writes(stage) {
        let allowed = due.get(&name).copied().unwrap_or(0);
        assert!(count <= allowed, "{name} was written {count} times, {allowed} are due: {moment:?}");
    }
}

/// An Application `shop` with [`OBJECTS`] objects that are live.
async fn synced(name: &str) -> Option<(Scenario, Wanted, Due)> {
    let stage = scenario(name).await?;
    let all: Wanted = (0..OBJECTS).map(|i| (format!("c{i}"), "0".into())).collect();
    write(&stage, "app", &all);
    let sha = stage.push(&[]);
    stage.application("shop", json!({})).await;
    stage.ready("shop", &sha).await;
    let due = all.keys().map(|name| (name.clone(), 1)).collect();
    Some((stage, all, due))
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_during_a_first_sync() {
    let Some(mut stage) = scenario("crash-first").await else { return };
    let moments = [
        Moment::Told,
        Moment::Application,
        Moment::Objects(1),
        Moment::Objects(15),
        Moment::Objects(30),
        Moment::Objects(45),
        Moment::Objects(OBJECTS),
        Moment::Recorded,
    ];
    let (mut all, mut due) = (Wanted::new(), Due::new());
    for (round, moment) in moments.into_iter().enumerate() {
        let dir = format!("app{round}");
        let wanted: Wanted = (0..OBJECTS).map(|i| (format!("r{round}-{i}"), "1".into())).collect();
        write(&stage, &dir, &wanted);
        stage.push(&[]);
        all.extend(wanted.clone());
        survives(&mut stage, moment, (&dir, &wanted, &all, &mut due), async |stage| {
            let git = json!({"url": stage.repo.url(), "revision": "main", "path": dir});
            stage.application(&dir, json!({"sources": [{"git": git}]})).await;
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_during_a_change() {
    let Some((mut stage, mut all, mut due)) = synced("crash-change").await else { return };
    let moments = [
        Moment::Told,
        Moment::Objects(1),
        Moment::Objects(10),
        Moment::Objects(20),
        Moment::Objects(OBJECTS / 2),
        Moment::Recorded,
    ];
    for (round, moment) in moments.into_iter().enumerate() {
        let changes = |i: usize| i % 2 == round % 2;
        let changed: Wanted = (0..OBJECTS)
            .filter(|i| changes(*i))
            .map(|i| (format!("c{i}"), format!("{}", round + 1)))
            .collect();
        write(&stage, "app", &changed);
        all.extend(changed.clone());
        let push = async |stage: &Scenario| drop(stage.push(&[]));
        survives(&mut stage, moment, ("shop", &changed, &all, &mut due), push).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_it_prunes() {
    let Some((mut stage, mut all, mut due)) = synced("crash-prune").await else { return };
    let moments = [
        Moment::Told,
        Moment::Objects(1),
        Moment::Objects(3),
        Moment::Objects(6),
        Moment::Objects(9),
        Moment::Recorded,
    ];
    for moment in moments {
        // Never more than the budget, however few are left.
        let gone: Vec<String> = all.keys().take(9).cloned().collect();
        let gone: Wanted = gone.iter().filter_map(|name| all.remove_entry(name)).collect();
        for name in gone.keys() {
            stage.repo.remove(&format!("app/{name}.yaml"));
        }
        let push = async |stage: &Scenario| drop(stage.push(&[]));
        survives(&mut stage, moment, ("shop", &gone, &all, &mut due), push).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn drift_is_healed_by_a_process_that_starts_while_the_newest_commit_is_broken() {
    let files = [("app/a.yaml", &*config_map("a", "1")), ("app/b.yaml", &config_map("b", "1"))];
    let Some(mut stage) = deployed("broken-start", &files, json!({})).await else { return };
    let live = stage.repo.head();
    stage.repo.remove("app/b.yaml");
    stage.push(&[("app/bad.yaml", "a: [")]);
    stage.not_ready(SHOP, "RenderFailed").await;
    restart(&mut stage);
    heal(&stage, "a", "1").await;
    let b = stage.path("v1", "ConfigMap", "b");
    stage.cluster.rest().delete(&b).await.expect("delete");
    stage.until(("v1", "ConfigMap", "b"), |live| text(live, "/data/value") == "1").await;
    let told = stage.until(APPLICATION, |found| text(found, "/status/sync/state") == "Synced").await;
    assert_eq!(text(&told, "/status/sync/revision"), live);
    assert_eq!(ready_condition(&told).1, "RenderFailed");
}
