use super::*;

const CM: &str = "ConfigMap";

fn gvk() -> Gvk {
    Gvk::new("", "v1", CM)
}

fn key(name: &str) -> ObjectKey {
    ObjectKey::new("", CM, "n", name)
}

/// `name uid version`, for example `a u1 7`.
fn object(text: &str) -> Vec<u8> {
    let parts: Vec<&str> = text.split(' ').collect();
    let [name, uid, version] = parts[..] else { panic!("{text}") };
    format!(
        r#"{{"metadata":{{"name":"{name}","namespace":"n","uid":"{uid}","resourceVersion":"{version}"}}}}"#
    )
    .into()
}

fn store() -> Store {
    let mut store = Store::new("lockstep");
    store.open(&gvk());
    ["a", "b"].iter().for_each(|name| store.track(&key(name)));
    store
}

fn feed(store: &mut Store, text: &str, via: Via<'_>) -> Effect {
    let bytes = object(text);
    store.apply(&gvk(), &Head::parse(&bytes).unwrap(), &bytes, via)
}

fn delete(store: &mut Store, text: &str) -> Effect {
    let bytes = object(text);
    store.delete(&gvk(), &Head::parse(&bytes).unwrap())
}

fn version(store: &Store, name: &str) -> Option<String> {
    store.entry(&gvk(), "n", name).map(|entry| entry.version.text().to_string())
}

fn number(version: &str) -> Version {
    Version::parse(version)
}

#[test]
fn the_answer_to_our_own_write_is_not_undone_by_a_lagging_watch() {
    let mut store = store();
    assert_eq!(feed(&mut store, "a u 5", Via::Stream), Effect::Applied(key("a")));
    feed(&mut store, "a u 9", Via::Answer(Some(&number("5"))));
    for late in ["a u 7", "a u 9"] {
        assert_eq!(feed(&mut store, late, Via::Stream), Effect::None, "{late}");
        assert_eq!(version(&store, "a").as_deref(), Some("9"));
    }
    assert_eq!(feed(&mut store, "a u 10", Via::Stream), Effect::Applied(key("a")));
}

#[test]
fn an_answer_of_the_same_version_says_more_than_a_watch_of_an_outdated_schema() {
    let mut store = store();
    let body = |store: &Store| store.entry(&gvk(), "n", "a").and_then(|entry| entry.body.clone()).unwrap();
    let state = |extra: &str| -> Vec<u8> {
        let metadata = r#"{"name":"a","namespace":"n","uid":"u","resourceVersion":"5"}"#;
        format!(r#"{{"metadata":{metadata}{extra}}}"#).into()
    };
    let (pruned, whole) = (state(""), state(r#","colour":"red""#));
    for (bytes, via, expected) in
        [(&pruned, Via::Stream, &pruned), (&whole, Via::Answer(None), &whole), (&pruned, Via::Stream, &whole)]
    {
        store.apply(&gvk(), &Head::parse(bytes).unwrap(), bytes, via);
        assert_eq!(*body(&store), expected[..]);
    }
}

#[test]
fn the_deletion_of_a_predecessor_leaves_its_successor() {
    let mut store = store();
    feed(&mut store, "a old 5", Via::Stream);
    feed(&mut store, "a new 9", Via::Answer(None));
    assert_eq!(delete(&mut store, "a old 7"), Effect::None);
    assert_eq!(version(&store, "a").as_deref(), Some("9"));
    assert_eq!(delete(&mut store, "a new 11"), Effect::Deleted(key("a")));
    // Versions that do not compare: the uid decides.
    feed(&mut store, "a new x", Via::Stream);
    assert_eq!(delete(&mut store, "a old y"), Effect::None);
    assert_eq!(delete(&mut store, "a new y"), Effect::Deleted(key("a")));
}

#[test]
fn an_answer_that_comes_after_the_deletion_raises_nobody_from_the_dead() {
    let mut store = store();
    feed(&mut store, "a u 5", Via::Stream);
    delete(&mut store, "a u 8");
    feed(&mut store, "a u 7", Via::Answer(Some(&number("8"))));
    assert_eq!(version(&store, "a"), None);
    feed(&mut store, "a v 9", Via::Answer(Some(&number("8"))));
    assert_eq!(version(&store, "a").as_deref(), Some("9"));
}

#[test]
fn what_a_list_does_not_mention_is_gone_unless_it_is_newer() {
    let mut store = store();
    let list = store.begin(&gvk());
    feed(&mut store, "a u 3", Via::Stream);
    feed(&mut store, "b u 4", Via::Stream);
    feed(&mut store, "stranger u 4", Via::Stream);
    assert!(store.end(&gvk(), None, list, &number("10")).is_empty());
    let list = store.begin(&gvk());
    feed(&mut store, "b u 4", Via::Stream);
    feed(&mut store, "ours u 30", Via::Answer(Some(&number("10"))));
    assert_eq!(store.end(&gvk(), Some("elsewhere"), list, &number("20")), []);
    let effects = store.end(&gvk(), None, list, &number("20"));
    assert!(effects.contains(&Effect::Deleted(key("a"))), "{effects:?}");
    assert_eq!(version(&store, "stranger"), None);
    assert!(version(&store, "b").is_some() && version(&store, "ours").is_some());
}

#[test]
fn bytes_are_kept_for_tracked_and_owned_objects_only() {
    let mut store = store();
    feed(&mut store, "a u 1", Via::Stream);
    assert_eq!(feed(&mut store, "stranger u 1", Via::Stream), Effect::None);
    let body = |store: &Store, name: &str| store.entry(&gvk(), "n", name).unwrap().body.is_some();
    assert!(body(&store, "a") && !body(&store, "stranger"));
    // A stranger becomes tracked: a read of the same version brings the bytes.
    store.track(&key("stranger"));
    assert_eq!(feed(&mut store, "stranger u 1", Via::Answer(None)), Effect::None);
    assert!(body(&store, "stranger"));
    store.track(&key("stranger"));
    store.untrack(&key("stranger"));
    assert!(body(&store, "stranger"), "somebody else still wants it");
    store.untrack(&key("stranger"));
    assert!(!body(&store, "stranger"));
}

fn annotated(name: &str, owner: &str) -> Vec<u8> {
    format!(
        r#"{{"metadata":{{"name":"{name}","namespace":"n","uid":"u-{name}","resourceVersion":"1","annotations":{{"lockstep.dev/owner":"{owner}"}}}}}}"#
    )
    .into()
}

#[test]
fn the_annotation_counts_only_on_the_object_that_it_names() {
    let mut store = store();
    for (name, owner, kept) in [
        ("x", "lockstep:t/app:/ConfigMap:n/x", true),
        ("y", "lockstep:t/app:/ConfigMap:n/x", false),
        ("z", "lockstep2:t/app:/ConfigMap:n/z", false),
    ] {
        let bytes = annotated(name, owner);
        let effect = store.apply(&gvk(), &Head::parse(&bytes).unwrap(), &bytes, Via::Stream);
        assert_eq!(effect != Effect::None, kept, "{name}");
        assert_eq!(store.entry(&gvk(), "n", name).unwrap().body.is_some(), kept, "{name}");
    }
}

fn owned_by(gvk: &Gvk, name: &str, owner: Option<(&str, &str)>) -> Vec<u8> {
    let owners = owner.map_or(String::new(), |(kind, name)| {
        format!(
            r#","ownerReferences":[{{"kind":"{kind}","name":"{name}","uid":"uid-{name}","controller":true}}]"#
        )
    });
    let status = if &*gvk.kind == "Pod" { r#","status":{"phase":"Running"}"# } else { "" };
    format!(r#"{{"metadata":{{"name":"{name}","namespace":"n","uid":"uid-{name}","resourceVersion":"1"{owners}}}{status}}}"#).into()
}

#[test]
fn the_owner_graph_is_followed_down_and_up() {
    let mut store = Store::new("lockstep");
    let kinds = [
        Gvk::new("apps", "v1", "Deployment"),
        Gvk::new("apps", "v1", "ReplicaSet"),
        Gvk::new("", "v1", "Pod"),
    ];
    let [deployment, set, pod] = &kinds;
    kinds.iter().for_each(|gvk| store.open(gvk));
    let mut put = |gvk: &Gvk, name: &str, owner: Option<(&str, &str)>| {
        let bytes = owned_by(gvk, name, owner);
        store.apply(gvk, &Head::parse(&bytes).unwrap(), &bytes, Via::Stream);
    };
    put(deployment, "web", None);
    put(set, "web-1", Some(("Deployment", "web")));
    put(pod, "web-1-a", Some(("ReplicaSet", "web-1")));
    put(pod, "web-1-b", Some(("ReplicaSet", "web-1")));
    let children = store.children("uid-web-1");
    assert_eq!(children.len(), 2);
    assert_eq!(&*children[0].1.pod.as_ref().unwrap().phase, "Running");
    let (up, entry) = store.owner(store.entry(pod, "n", "web-1-a").unwrap(), "n").unwrap();
    assert_eq!(up.key(), ObjectKey::new("apps", "ReplicaSet", "n", "web-1"));
    assert_eq!(&*store.owner(entry, "n").unwrap().0.name, "web");
    let bytes = owned_by(pod, "web-1-a", Some(("ReplicaSet", "web-1")));
    store.delete(pod, &Head::parse(&bytes).unwrap());
    assert_eq!(store.children("uid-web-1").len(), 1);
    store.close(pod);
    assert!(store.children("uid-web-1").is_empty());
}

#[test]
fn a_clock_that_ran_backwards_makes_everything_new() {
    let mut store = store();
    feed(&mut store, "a u 100", Via::Stream);
    store.forget_versions(&gvk(), None);
    assert_eq!(feed(&mut store, "a u 50", Via::Stream), Effect::Applied(key("a")));
}
