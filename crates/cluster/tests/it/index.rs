//! The state machine of lists and watches, and what the index makes of it.

use std::time::Duration;

use lockstep_cluster::{
    Change, Index, Live, LiveEvent, Namespaces, RawObject, ScopeState, Subscriber, Unread, Want, WatchScope,
};
use lockstep_core::{Gvk, ObjectKey};

use crate::fake::{Fake, OpenWatch, groups, object, page, status};

const FOREVER: &str = "GET /api/v1/configmaps?watch=true";

fn config_map() -> Gvk {
    Gvk::new("", "v1", "ConfigMap")
}

fn key(name: &str) -> ObjectKey {
    ObjectKey::new("", "ConfigMap", "n", name)
}

fn everything() -> WatchScope {
    WatchScope { gvk: config_map(), namespaces: Namespaces::All }
}

fn within(namespace: &str) -> WatchScope {
    WatchScope { gvk: config_map(), namespaces: Namespaces::one(namespace) }
}

async fn tracking(fake: &Fake) -> (Index, Subscriber) {
    let (index, _) = fake.index().await;
    ["a", "b"].iter().for_each(|name| index.track(&key(name)));
    let subscriber = index.subscribe();
    (index, subscriber)
}

/// An index that follows all ConfigMaps, tracks `a` and `b` and has told what the first list brought.
struct Listed {
    index: Index,
    subscriber: Subscriber,
    watch: OpenWatch,
    _want: Want,
}

async fn listed(fake: &mut Fake, objects: &[(&str, u32)], version: u32) -> Listed {
    let (index, subscriber) = tracking(fake).await;
    let want = index.want(&everything());
    let watch = fake.watch().await;
    let bodies: Vec<String> = objects.iter().map(|(name, version)| object("n", name, *version)).collect();
    watch.list(&bodies.iter().map(String::as_str).collect::<Vec<_>>(), version);
    let told: Vec<String> = objects.iter().map(|(name, _)| format!("+{name}")).collect();
    expect(&subscriber, &told.iter().map(String::as_str).chain(["synced"]).collect::<Vec<_>>()).await;
    Listed { index, subscriber, watch, _want: want }
}

/// `+a`, `-a`, `synced`, `lost`.
fn told(event: LiveEvent) -> String {
    match event {
        LiveEvent::Object { key, change: Change::Applied, .. } => format!("+{}", key.name),
        LiveEvent::Object { key, change: Change::Deleted, .. } => format!("-{}", key.name),
        LiveEvent::Scope { state: ScopeState::Synced, .. } => "synced".to_owned(),
        LiveEvent::Scope { .. } => "lost".to_owned(),
    }
}

async fn expect(subscriber: &Subscriber, events: &[&str]) {
    for event in events {
        // Virtual time: a wait without end passes in no time.
        let next = tokio::time::timeout(Duration::from_secs(3600), subscriber.next()).await;
        assert_eq!(told(next.unwrap_or_else(|_| panic!("{event} was not told"))), *event);
    }
}

/// `present VERSION`, `absent`, or why it is not known.
fn looked_up(index: &Index, name: &str) -> String {
    match index.get(&config_map(), &key(name)) {
        Live::Present(live) => format!("present {}", live.value.str_at(&["data", "v"]).unwrap()),
        Live::Absent => "absent".to_owned(),
        Live::Unknown(unread) => unread.to_string(),
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_absent_before_the_streamed_list_is_complete() {
    let mut fake = Fake::new();
    let (index, subscriber) = tracking(&fake).await;
    assert_eq!(looked_up(&index, "a"), "not watched");
    let _want = index.want(&everything());
    let watch = fake.watch().await;
    assert!(
        watch.line.contains("sendInitialEvents=true&resourceVersionMatch=NotOlderThan"),
        "{}",
        watch.line
    );
    assert!(watch.line.contains("allowWatchBookmarks=true"));
    watch.send("ADDED", &object("n", "a", 3));
    expect(&subscriber, &["+a"]).await;
    assert_eq!(looked_up(&index, "b"), "the first list is not complete");
    watch.list(&[&object("n", "stranger", 4)], 9);
    expect(&subscriber, &["synced"]).await;
    assert_eq!((looked_up(&index, "a").as_str(), looked_up(&index, "b").as_str()), ("present 3", "absent"));
    assert_eq!(looked_up(&index, "stranger"), "only metadata are known");
    watch.send("MODIFIED", &object("n", "a", 10));
    watch.send("ADDED", &object("n", "b", 11));
    watch.send("DELETED", &object("n", "b", 12));
    expect(&subscriber, &["+a"]).await;
    // What a slow reader did not see is merged by object.
    let last = subscriber.next().await;
    let last = if told(last.clone()) == "+b" { subscriber.next().await } else { last };
    assert_eq!(told(last), "-b");
    assert_eq!(looked_up(&index, "b"), "absent");
}

#[tokio::test(start_paused = true)]
async fn a_server_without_streaming_lists_is_asked_in_pages() {
    let mut fake = Fake::new();
    fake.on("GET /api/v1/configmaps?watch=true&sendInitialEvents=true", 422, &status(422, "Invalid"));
    fake.on("GET /api/v1/configmaps?limit=500", 200, &page(&[object("n", "a", 1)], 8, "next/page"));
    fake.on("GET /api/v1/configmaps?limit=500&continue=", 200, &page(&[object("n", "b", 2)], 8, ""));
    let (index, subscriber) = tracking(&fake).await;
    let _want = index.want(&everything());
    expect(&subscriber, &["+a", "+b", "synced"]).await;
    let Live::Present(live) = index.get(&config_map(), &key("a")) else { panic!("not there") };
    assert_eq!(live.value.str_at(&["kind"]), Some("ConfigMap"), "items of lists get their kind back");
    let pages = fake.seen("GET /api/v1/configmaps?limit=500");
    assert!(pages[1].line.ends_with("continue=next%2Fpage"), "{}", pages[1].line);
    let watch = fake.watch().await;
    assert!(watch.line.contains("watch=true&resourceVersion=8&"), "{}", watch.line);
}

#[tokio::test(start_paused = true)]
async fn an_error_inside_the_stream_or_its_silence_also_lead_to_pages() {
    for silent in [false, true] {
        let mut fake = Fake::new();
        fake.on("GET /api/v1/configmaps?limit=500", 200, &page(&[object("n", "a", 1)], 8, ""));
        let (index, subscriber) = tracking(&fake).await;
        let _want = index.want(&everything());
        let watch = fake.watch().await;
        watch.send("ADDED", &object("n", "a", 1));
        expect(&subscriber, &["+a"]).await;
        if !silent {
            watch.send("ERROR", &status(500, "InternalError"));
        }
        expect(&subscriber, &["synced"]).await;
        assert_eq!(looked_up(&index, "b"), "absent");
        assert!(fake.watch().await.line.contains("watch=true&resourceVersion=8&"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_whose_time_is_up_resumes_at_the_last_bookmark_without_a_list() {
    let mut fake = Fake::new();
    let (index, subscriber) = tracking(&fake).await;
    let _want = index.want(&everything());
    let watch = fake.watch().await;
    watch.list(&[&object("n", "a", 3)], 9);
    watch.send("BOOKMARK", r#"{"metadata":{"resourceVersion":"50"}}"#);
    expect(&subscriber, &["+a", "synced"]).await;
    drop(watch);
    let next = fake.watch().await;
    assert!(
        next.line.contains("watch=true&resourceVersion=50&") && !next.line.contains("sendInitialEvents"),
        "{}",
        next.line
    );
    assert_eq!(looked_up(&index, "a"), "present 3");
    assert!(fake.seen("GET /api/v1/configmaps?limit").is_empty());
}

#[tokio::test(start_paused = true)]
async fn after_410_the_list_tells_what_vanished() {
    let mut fake = Fake::new();
    let Listed { index, subscriber, watch, _want } = listed(&mut fake, &[("a", 3), ("b", 4)], 9).await;
    watch.send("ERROR", &status(410, "Expired"));
    let again = fake.watch().await;
    assert!(again.line.contains("sendInitialEvents"));
    assert_eq!(looked_up(&index, "a"), "present 3", "what was known stays until the list is complete");
    again.list(&[&object("n", "b", 4)], 30);
    expect(&subscriber, &["-a"]).await;
    assert_eq!((looked_up(&index, "a").as_str(), looked_up(&index, "b").as_str()), ("absent", "present 4"));
    assert!(subscriber.try_next().is_none(), "b is as it was");
}

#[tokio::test(start_paused = true)]
async fn a_server_whose_clock_ran_backwards_is_listed_twice_and_believed() {
    let mut fake = Fake::new();
    let Listed { index, subscriber, watch, _want } = listed(&mut fake, &[("a", 300), ("b", 400)], 900).await;
    watch.send("ERROR", &status(410, "Expired"));
    fake.watch().await.list(&[&object("n", "a", 30)], 90);
    fake.watch().await.list(&[&object("n", "a", 30)], 90);
    expect(&subscriber, &["+a", "-b"]).await;
    assert_eq!(looked_up(&index, "a"), "present 30");
}

#[tokio::test(start_paused = true)]
async fn our_own_write_is_known_at_once_and_told_to_nobody() {
    let mut fake = Fake::new();
    let Listed { index, subscriber, watch, _want } = listed(&mut fake, &[("a", 3)], 9).await;
    index.observe_write(&config_map(), &RawObject::parse(object("n", "a", 12).as_bytes()).unwrap());
    assert_eq!(looked_up(&index, "a"), "present 12");
    watch.send("MODIFIED", &object("n", "a", 11));
    watch.send("MODIFIED", &object("n", "a", 12));
    watch.send("ADDED", &object("n", "b", 13));
    expect(&subscriber, &["+b"]).await;
    assert_eq!(looked_up(&index, "a"), "present 12");
    // The answer to a write of b that is late: b is deleted already.
    watch.send("DELETED", &object("n", "b", 15));
    expect(&subscriber, &["-b"]).await;
    index.observe_write(&config_map(), &RawObject::parse(object("n", "b", 14).as_bytes()).unwrap());
    assert_eq!(looked_up(&index, "b"), "absent");
}

#[tokio::test(start_paused = true)]
async fn where_a_list_of_everything_is_forbidden_the_wanted_namespaces_are_watched() {
    let mut fake = Fake::new();
    fake.on(FOREVER, 403, &status(403, "Forbidden"));
    let (index, subscriber) = tracking(&fake).await;
    let wants: Vec<_> = ["n", "m1", "m2", "m3", "m4"].map(|name| index.want(&within(name))).into();
    let mut watched = std::collections::BTreeSet::new();
    while watched.len() < wants.len() {
        let watch = fake.watch().await;
        watch.list(&[], 9);
        watched.insert(watch.line.split('/').nth(4).unwrap_or_default().to_owned());
        assert!(matches!(index.settled(&config_map(), watched.last().unwrap()).await, ScopeState::Synced));
    }
    assert_eq!(watched.into_iter().collect::<Vec<_>>(), ["m1", "m2", "m3", "m4", "n"]);
    assert_eq!(looked_up(&index, "a"), "absent");
    let elsewhere = ObjectKey::new("", "ConfigMap", "elsewhere", "x");
    assert!(matches!(index.get(&config_map(), &elsewhere), Live::Unknown(Unread::NotWanted)));
    drop(subscriber);
}

#[tokio::test(start_paused = true)]
async fn many_wants_are_one_watch_and_it_outlives_the_last_by_minutes() {
    let mut fake = Fake::new();
    let (index, _) = fake.index().await;
    let wants: Vec<_> = (0..100).map(|_| index.want(&everything())).collect();
    let watch = fake.watch().await;
    watch.list(&[], 9);
    assert_eq!(index.settled(&config_map(), "n").await, ScopeState::Synced);
    assert_eq!(index.size().streams, 1);
    drop(wants);
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert_eq!(index.state(&config_map(), "n"), ScopeState::Synced);
    tokio::time::sleep(Duration::from_secs(100)).await;
    assert_eq!(index.size().streams, 0);
    assert_eq!(index.state(&config_map(), "n"), ScopeState::Unknown(Unread::NotWanted));
}

#[tokio::test(start_paused = true)]
async fn many_namespaces_become_one_watch_without_a_gap() {
    let mut fake = Fake::new();
    let (index, _) = fake.index().await;
    index.track(&key("a"));
    let _first = index.want(&within("n"));
    let one = fake.watch().await;
    assert!(one.line.contains("/namespaces/n/configmaps"));
    one.list(&[&object("n", "a", 3)], 9);
    assert_eq!(index.settled(&config_map(), "n").await, ScopeState::Synced);
    let _more: Vec<_> = ["p", "q", "r", "s"].map(|name| index.want(&within(name))).into();
    let mut all = fake.watch().await;
    while !all.line.starts_with(FOREVER) {
        all = fake.watch().await;
    }
    assert_eq!(looked_up(&index, "a"), "present 3", "the old watch stays until the new one is complete");
    all.list(&[&object("n", "a", 3)], 20);
    assert_eq!(index.settled(&config_map(), "s").await, ScopeState::Synced);
    assert_eq!(index.size().streams, 1);
    assert_eq!(looked_up(&index, "a"), "present 3");
}

#[tokio::test(start_paused = true)]
async fn a_lost_server_makes_everything_unknown_and_comes_back() {
    let mut fake = Fake::new();
    let Listed { index, subscriber, watch, _want } = listed(&mut fake, &[("a", 3)], 9).await;
    fake.on(FOREVER, 503, "");
    drop(watch);
    expect(&subscriber, &["lost"]).await;
    assert_eq!(looked_up(&index, "b"), "the server cannot be reached: HTTP 503");
    assert_eq!(fake.seen(FOREVER).len(), 4, "three failures in a row");
    fake.clear(FOREVER);
    expect(&subscriber, &["synced"]).await;
    assert_eq!(looked_up(&index, "b"), "absent");
    assert!(fake.watch().await.line.contains("watch=true&resourceVersion=9&"));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_asks_to_wait_is_only_slow() {
    let mut fake = Fake::new();
    fake.on_with(FOREVER, 429, ("retry-after", "1"));
    let (index, subscriber) = tracking(&fake).await;
    let _want = index.want(&everything());
    tokio::time::sleep(Duration::from_millis(500)).await;
    fake.clear(FOREVER);
    assert_eq!(index.state(&config_map(), "n"), ScopeState::Unknown(Unread::Syncing));
    fake.watch().await.list(&[], 9);
    expect(&subscriber, &["synced"]).await;
}

#[tokio::test(start_paused = true)]
async fn a_failing_group_is_unknown_until_discovery_brings_it_back() {
    let mut fake = Fake::new();
    fake.clear("GET /apis");
    fake.on("GET /apis", 200, &groups("Stale"));
    fake.on("GET /apis", 200, &groups("Current"));
    let (index, discovery) = fake.index().await;
    let widget = Gvk::new("example.com", "v1", "Widget");
    let _want = index.want(&WatchScope { gvk: widget.clone(), namespaces: Namespaces::All });
    assert!(matches!(index.state(&widget, "n"), ScopeState::Unknown(Unread::GroupFailing(_))));
    let unserved = Gvk::new("example.org", "v1", "Widget");
    let _other = index.want(&WatchScope { gvk: unserved.clone(), namespaces: Namespaces::All });
    assert_eq!(index.state(&unserved, "n"), ScopeState::Unknown(Unread::NotServed));
    discovery.refresh().await.unwrap();
    let watch = fake.watch().await;
    assert!(watch.line.starts_with("GET /apis/example.com/v1/widgets?watch=true"));
    watch.list(&[], 9);
    assert_eq!(index.settled(&widget, "n").await, ScopeState::Synced);
}

#[tokio::test(start_paused = true)]
async fn reads_of_one_object_at_the_same_time_are_one() {
    let mut fake = Fake::new();
    fake.on("GET /api/v1/namespaces/n/configmaps/c", 200, &object("n", "c", 3));
    let (index, _) = fake.index().await;
    let _want = index.want(&everything());
    fake.watch().await.list(&[&object("n", "c", 3)], 9);
    index.settled(&config_map(), "n").await;
    index.track(&key("c"));
    assert_eq!(looked_up(&index, "c"), "only metadata are known");
    let wanted = [(config_map(), key("c")), (config_map(), key("absent"))];
    let (one, two, three) = tokio::join!(index.ensure(&wanted), index.ensure(&wanted), index.ensure(&wanted));
    assert!(one.is_ok() && two.is_ok() && three.is_ok());
    assert_eq!(fake.seen("GET /api/v1/namespaces/n/configmaps/").len(), 1);
    assert_eq!(looked_up(&index, "c"), "present 3");
    index.ensure(&wanted).await.unwrap();
    assert_eq!(fake.seen("GET /api/v1/namespaces/n/configmaps/").len(), 1, "it is there");
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_cannot_be_watched_is_read_again_and_again() {
    let fake = Fake::new();
    let listing = "GET /api/v1/componentstatuses?limit=500";
    fake.on(listing, 200, &page(&[object("", "etcd", 1)], 8, ""));
    fake.on(listing, 200, &page(&[], 9, ""));
    let (index, _) = fake.index().await;
    let (gvk, key) =
        (Gvk::new("", "v1", "ComponentStatus"), ObjectKey::new("", "ComponentStatus", "", "etcd"));
    index.track(&key);
    let _want = index.want(&WatchScope { gvk: gvk.clone(), namespaces: Namespaces::All });
    assert_eq!(index.settled(&gvk, "").await, ScopeState::Synced);
    assert!(matches!(index.get(&gvk, &key), Live::Present(_)));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(matches!(index.get(&gvk, &key), Live::Absent));
    assert_eq!(fake.seen(listing).len() as u64, index_lists(&fake));
}

fn index_lists(fake: &Fake) -> u64 {
    // One at the start and one about every 30 seconds.
    let seen = fake.seen("GET /api/v1/componentstatuses").len() as u64;
    assert!((2..=3).contains(&seen), "{seen}");
    seen
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_can_only_be_got_is_read_by_the_names_that_are_tracked() {
    let fake = Fake::new();
    let path = "GET /api/v1/namespaces/n/pings/";
    fake.on(&format!("{path}p"), 200, &object("n", "p", 1));
    fake.on(&format!("{path}p"), 404, &missing("p", "pings"));
    fake.on(&format!("{path}q"), 404, &missing("q", "pings"));
    let (index, _) = fake.index().await;
    let gvk = Gvk::new("", "v1", "Ping");
    let keys = ["p", "q"].map(|name| ObjectKey::new("", "Ping", "n", name));
    keys.iter().for_each(|key| index.track(key));
    let _want = index.want(&WatchScope { gvk: gvk.clone(), namespaces: Namespaces::one("n") });
    assert_eq!(index.settled(&gvk, "n").await, ScopeState::Synced);
    assert!(matches!(index.get(&gvk, &keys[0]), Live::Present(_)));
    assert!(matches!(index.get(&gvk, &keys[1]), Live::Absent));
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert!(matches!(index.get(&gvk, &keys[0]), Live::Absent));
}

fn missing(name: &str, kind: &str) -> String {
    status(404, "NotFound")
        .replace("\"code\"", &format!(r#""details":{{"name":"{name}","kind":"{kind}"}},"code""#))
}

#[tokio::test(start_paused = true)]
async fn a_kind_that_can_only_be_created_is_unreadable() {
    let fake = Fake::new();
    let (index, _) = fake.index().await;
    let gvk = Gvk::new("", "v1", "Hook");
    let _want = index.want(&WatchScope { gvk: gvk.clone(), namespaces: Namespaces::All });
    assert_eq!(
        index.settled(&gvk, "n").await,
        ScopeState::Unknown(Unread::Failing(lockstep_cluster::Failure::Unreadable))
    );
}

#[tokio::test(start_paused = true)]
async fn a_change_of_discovery_cuts_back_offs_short() {
    let mut fake = Fake::new();
    fake.clear("GET /apis");
    fake.on("GET /apis", 200, &groups("Current"));
    fake.on("GET /apis", 200, &groups("Stale"));
    fake.on(FOREVER, 500, &status(500, "InternalError"));
    let (index, discovery) = fake.index().await;
    let _want = index.want(&everything());
    tokio::time::sleep(Duration::from_secs(600)).await;
    assert!(matches!(index.state(&config_map(), "n"), ScopeState::Unknown(Unread::Failing(_))));
    fake.clear(FOREVER);
    let started = tokio::time::Instant::now();
    discovery.refresh().await.unwrap();
    fake.watch().await.list(&[], 9);
    assert!(started.elapsed() < Duration::from_millis(100), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_definition_made_anew_with_another_plural_is_watched_anew() {
    let mut fake = Fake::new();
    fake.clear("GET /apis");
    fake.on("GET /apis", 200, &groups("Current"));
    fake.on("GET /apis", 200, &groups("Current").replace("widgets", "widgetries"));
    let (index, discovery) = fake.index().await;
    let widget = Gvk::new("example.com", "v1", "Widget");
    let _want = index.want(&WatchScope { gvk: widget.clone(), namespaces: Namespaces::All });
    fake.watch().await.list(&[], 9);
    assert_eq!(index.settled(&widget, "n").await, ScopeState::Synced);
    discovery.refresh().await.unwrap();
    let again = fake.watch().await;
    assert!(again.line.starts_with("GET /apis/example.com/v1/widgetries?"), "{}", again.line);
    assert_eq!(index.state(&widget, "n"), ScopeState::Unknown(Unread::Syncing));
}

#[tokio::test(start_paused = true)]
async fn a_slow_reader_sees_every_key_and_each_but_once() {
    let mut fake = Fake::new();
    let Listed { index, subscriber, watch, _want } = listed(&mut fake, &[], 9).await;
    for version in 10..1000 {
        watch.send("MODIFIED", &object("n", if version % 2 == 0 { "a" } else { "b" }, version));
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    expect(&subscriber, &["+a", "+b"]).await;
    assert!(subscriber.try_next().is_none());
    assert_eq!(
        (looked_up(&index, "a").as_str(), looked_up(&index, "b").as_str()),
        ("present 998", "present 999")
    );
}

#[tokio::test(start_paused = true)]
async fn owners_are_found_upwards_and_a_circle_ends() {
    let mut fake = Fake::new();
    let (index, _) = fake.index().await;
    let _want = index.want(&everything());
    let owned = |name: &str, owner: &str| {
        let owners = format!(
            r#""ownerReferences":[{{"kind":"ConfigMap","name":"{owner}","uid":"uid-{owner}"}}],"uid""#
        );
        object("n", name, 1).replace("\"uid\"", &owners)
    };
    let watch = fake.watch().await;
    watch.list(&[&owned("x", "y"), &owned("y", "z"), &owned("z", "x"), &owned("stray", "unknown")], 9);
    index.settled(&config_map(), "n").await;
    let names = |children: Vec<lockstep_cluster::Child>| {
        children.into_iter().map(|child| child.key.name).collect::<Vec<_>>()
    };
    assert_eq!(
        names(index.owners_up(&config_map(), &key("x"))),
        ["y".into(), "z".into(), "x".into()] as [std::sync::Arc<str>; 3]
    );
    assert!(index.owners_up(&config_map(), &key("stray")).is_empty());
    assert_eq!(names(index.children("uid-y")), ["x".into()] as [std::sync::Arc<str>; 1]);
}
