//! A small cluster with server-side apply for flat objects, driven by scenarios: one verb a line.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use lockstep_core::*;
use lockstep_plan::*;

pub(crate) const INSTANCE: &str = "lockstep";

/// What a scenario has set up.
pub(crate) struct World {
    pub(crate) app: Application,
    pub(crate) desired: Vec<DesiredObject>,
    pub(crate) live: BTreeMap<ObjectKey, LiveObject>,
    pub(crate) record: AppRecord,
    pub(crate) request: Request,
    pub(crate) history: History,
    pub(crate) memo: Memo,
    pub(crate) now: Millis,
    pub(crate) revision: CommitId,
    pub(crate) gets: RefCell<usize>,
    render: Render,
    claims: BTreeMap<ObjectKey, Vec<Claim>>,
    unrendered: Vec<Unrendered>,
    unserved: BTreeSet<String>,
    dropped: BTreeSet<String>,
    failing: BTreeSet<String>,
    unknown: BTreeSet<ObjectKey>,
    autoscaled: BTreeSet<ObjectKey>,
    namespace: Option<NamespaceState>,
    versions: u32,
}

#[derive(Clone, Copy, PartialEq)]
enum Render {
    Ready,
    Failed,
    FailedAtOnce,
    Unavailable,
    Vanished,
}

pub(crate) fn key_of(text: &str) -> ObjectKey {
    let (kind, name) = text.split_once('/').unwrap();
    let (group, namespace) = match kind {
        "Namespace" => ("", ""),
        "CustomResourceDefinition" => ("apiextensions.k8s.io", ""),
        "ClusterRole" => ("rbac.authorization.k8s.io", ""),
        "Deployment" | "ReplicaSet" => ("apps", "shop"),
        "HorizontalPodAutoscaler" => ("autoscaling", "shop"),
        "Widget" => ("example.com", "shop"),
        "RoleBinding" => ("rbac.authorization.k8s.io", "shop"),
        "ValidatingWebhookConfiguration" => ("admissionregistration.k8s.io", ""),
        _ => ("", "shop"),
    };
    ObjectKey::new(group, kind, namespace, name)
}

fn gvk_of(key: &ObjectKey) -> Gvk {
    Gvk::new(&key.group, "v1", &key.kind)
}

fn app_of(text: &str) -> AppKey {
    let (namespace, name) = text.split_once('/').unwrap();
    AppKey::new(namespace, name)
}

pub(crate) fn commit(digit: char) -> CommitId {
    CommitId::parse(&digit.to_string().repeat(40)).unwrap()
}

fn key() -> Key {
    Key::new([7; 32])
}

/// The path and value of one `name=value` of a kind.
fn field(kind: &str, text: &str) -> (Vec<String>, Value) {
    let (name, value) = text.split_once('=').unwrap();
    if let Some(annotation) = name.strip_prefix('@') {
        let path = ["metadata", "annotations", &format!("lockstep.dev/{annotation}")].map(String::from);
        return (path.to_vec(), value.into());
    }
    let number = || value.parse::<i64>().map_or_else(|_| value.into(), Value::from);
    let path: &[&str] = match (kind, name) {
        ("ConfigMap", name) => return (vec!["data".into(), name.into()], value.into()),
        ("CustomResourceDefinition", "kind") => &["spec", "names", "kind"],
        (_, name) => return (vec!["spec".into(), name.into()], number()),
    };
    (path.iter().map(ToString::to_string).collect(), value.into())
}

fn set(value: &mut Value, path: &[String], new: Value) {
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    value.set(&path, new);
}

fn manifest(key: &ObjectKey, fields: &[&str]) -> Value {
    let mut value = Value::default();
    let gvk = gvk_of(key);
    value.set(&["apiVersion"], gvk.api.to_string().into());
    value.set(&["kind"], gvk.kind.into());
    value.set(&["metadata", "name"], key.name.clone().into());
    if !key.namespace.is_empty() {
        value.set(&["metadata", "namespace"], key.namespace.clone().into());
    }
    for text in fields {
        match text.strip_prefix("target=") {
            Some(target) => {
                let target = key_of(target);
                let path = ["spec", "scaleTargetRef"];
                value.set(&[path[0], path[1], "apiVersion"], gvk_of(&target).api.to_string().into());
                value.set(&[path[0], path[1], "kind"], target.kind.into());
                value.set(&[path[0], path[1], "name"], target.name.into());
            }
            None => {
                let (path, new) = field(&key.kind, text);
                set(&mut value, &path, new);
            }
        }
    }
    value
}

/// FieldsV1 of a flat object: every mapping is granular.
fn fields_v1(value: &Value) -> Value {
    let Some(entries) = value.as_map() else { return Value::map(Map::new()) };
    Value::map(entries.iter().map(|(k, v)| (Arc::from(format!("f:{k}")), fields_v1(v))).collect())
}

fn tracked(value: &Value) -> Value {
    let mut value = value.clone();
    for path in [&["apiVersion"][..], &["kind"], &["metadata", "name"], &["metadata", "namespace"]] {
        value.remove(path);
    }
    value.remove(&["metadata", "uid"]);
    value.remove(&["metadata", "managedFields"]);
    if value.at(&["metadata"]).is_some_and(Value::is_empty_container) {
        value.remove(&["metadata"]);
    }
    value
}

fn entry(manager: &str, operation: &str, api_version: &str, fields: Value) -> Value {
    let (manager, subresource) = manager.split_once('/').unwrap_or((manager, ""));
    let mut entry = Value::default();
    entry.set(&["manager"], manager.into());
    entry.set(&["operation"], operation.into());
    entry.set(&["apiVersion"], api_version.into());
    entry.set(&["fieldsType"], "FieldsV1".into());
    entry.set(&["fieldsV1"], fields);
    if !subresource.is_empty() {
        entry.set(&["subresource"], subresource.into());
    }
    entry
}

fn entries(live: &LiveObject) -> Vec<Value> {
    live.value.at(&["metadata", "managedFields"]).and_then(Value::as_list).unwrap_or_default().to_vec()
}

/// Takes a path away from all managers.
fn disown(live: &mut LiveObject, path: &[String]) {
    let path: Vec<String> =
        std::iter::once("fieldsV1".into()).chain(path.iter().map(|name| format!("f:{name}"))).collect();
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let mut all = entries(live);
    for entry in &mut all {
        entry.remove(&path);
        // What holds nothing any more goes, too; a leaf stays `{}`.
        for end in (2..path.len()).rev() {
            if entry.at(&path[..end]).is_some_and(Value::is_empty_container) {
                entry.remove(&path[..end]);
            }
        }
    }
    live.value.set(&["metadata", "managedFields"], Value::list(all));
}

impl World {
    pub(crate) fn play(scenario: &str) -> Self {
        let mut world = Self::new();
        for line in scenario.lines().map(str::trim).filter(|line| !line.is_empty()) {
            world.act(line);
        }
        world
    }

    fn new() -> Self {
        let retry = Retry::default();
        let sync = SyncPolicy {
            mode: SyncMode::Automatic,
            prune: true,
            self_heal: true,
            allow_empty: false,
            budget: Budget::Default,
            propagation: Propagation::Background,
            retry,
        };
        let app = Application {
            key: AppKey::new("team", "shop"),
            uid: "app-uid".into(),
            generation: 1,
            project: "default".into(),
            suspend: false,
            sources: Vec::new(),
            destination: Destination { namespace: Some("shop".into()) },
            sync,
            deletion: DeletionPolicy::Prune,
            history: 10,
        };
        Self {
            app,
            desired: Vec::new(),
            live: BTreeMap::new(),
            record: AppRecord::default(),
            request: Request::default(),
            history: History::default(),
            memo: Memo::default(),
            now: Millis(100_000),
            revision: commit('a'),
            gets: RefCell::new(0),
            render: Render::Ready,
            claims: BTreeMap::new(),
            unrendered: Vec::new(),
            unserved: BTreeSet::new(),
            dropped: BTreeSet::new(),
            failing: BTreeSet::new(),
            unknown: BTreeSet::new(),
            autoscaled: BTreeSet::new(),
            namespace: None,
            versions: 0,
        }
    }

    /// Plays one line.
    pub(crate) fn act(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let object = |at: usize| key_of(words[at]);
        match words[0] {
            "policy" => words[1..].iter().for_each(|word| self.policy(word)),
            "git" => {
                let desired = self.rendered(&object(1), &words[2..]);
                self.desired.push(desired);
            }
            "applied" => self.apply_and_record(&object(1), &words[2..]),
            "in-sync" => {
                self.apply_and_record(&object(1), &words[2..]);
                let desired = self.rendered(&object(1), &words[2..]);
                self.desired.push(desired);
            }
            "unrecord" => drop(self.record.objects.remove(&object(1))),
            "foreign" => self.foreign(&object(1), &words[2..words.len() - 2], words[words.len() - 1]),
            "edit" => self.edit(&object(1), words[2], words[4]),
            "remove" => self.remove(&object(1), words[2]),
            "delete" => drop(self.live.remove(&object(1))),
            "terminate" => self.touch(&object(1)).deleting_since = Some(Timestamp(1)),
            "replace" => {
                self.live.remove(&object(1));
                self.foreign(&object(1), &words[2..words.len() - 2], words[words.len() - 1]);
                self.touch(&object(1)).uid = "uid-new".into();
            }
            "owner" => {
                let owner = Owner::new(words[2], &app_of(words[3]), &object(1)).to_string();
                self.annotate(&object(1), OWNER_ANNOTATION, &owner);
            }
            "copied-owner" => {
                let owner = Owner::new(INSTANCE, &app_of("team/shop"), &object(2)).to_string();
                self.annotate(&object(1), OWNER_ANNOTATION, &owner);
            }
            "claim" => {
                let standing = match words[3] {
                    "recorded" => Standing::Recorded,
                    "desired" => Standing::Desired,
                    _ => Standing::Stale,
                };
                self.claims.entry(object(1)).or_default().push(Claim { app: app_of(words[2]), standing });
            }
            "unrendered" => {
                let failed = words.get(2) == Some(&"failed");
                self.unrendered.push(Unrendered { app: app_of(words[1]), failed });
            }
            "unserved" => drop(self.unserved.insert(words[1].into())),
            "dropped" => drop(self.dropped.insert(words[1].into())),
            "failing" => drop(self.failing.insert(words[1].into())),
            "unknown" => drop(self.unknown.insert(object(1))),
            "hpa" => drop(self.autoscaled.insert(object(1))),
            "namespace" => {
                self.namespace = Some(match words[1] {
                    "missing" => NamespaceState::Missing,
                    _ => NamespaceState::Terminating,
                });
            }
            "render" => {
                self.render = match words[1] {
                    "failed" => Render::Failed,
                    "failed-at-once" => Render::FailedAtOnce,
                    "unavailable" => Render::Unavailable,
                    _ => Render::Vanished,
                }
            }
            "failed" => self.failed(&object(1), words[2], words[3].parse().unwrap()),
            "dry" => self.dry_run(&object(1), words[2]),
            "wait" => self.now = self.now.after(Duration::from_secs(words[1].parse().unwrap())),
            "ask" => self.request.sync = true,
            "watched-as" => {
                let version = words[2];
                let live = self.touch(&object(1));
                live.gvk = Gvk::new(&live.key.group, version, &live.key.kind);
            }
            "unask" => self.request.sync = false,
            "approve" => {
                let digest = self.decide().1.block.unwrap().digest;
                self.request.approved = Some(digest);
            }
            "approve-nothing" => self.request.approved = Some(Digest::of(b"something else")),
            "revision" => self.revision = commit(words[1].chars().next().unwrap()),
            "generation" => self.app.generation = words[1].parse().unwrap(),
            verb => unreachable!("unknown verb {verb}"),
        }
    }

    fn policy(&mut self, word: &str) {
        let sync = &mut self.app.sync;
        match word {
            "manual" => (sync.mode, sync.self_heal) = (SyncMode::Manual, false),
            "notify" => sync.mode = SyncMode::Notify,
            "heal" => sync.self_heal = true,
            "no-heal" => sync.self_heal = false,
            "no-prune" => sync.prune = false,
            "allow-empty" => sync.allow_empty = true,
            "suspend" => self.app.suspend = true,
            "orphan" => self.app.deletion = DeletionPolicy::Orphan,
            word => match word.strip_prefix("budget=").unwrap().strip_suffix('%') {
                Some(percent) => sync.budget = Budget::Percent(percent.parse().unwrap()),
                None => sync.budget = Budget::Count(word["budget=".len()..].parse().unwrap()),
            },
        }
    }

    fn rendered(&self, key_: &ObjectKey, fields: &[&str]) -> DesiredObject {
        let mut value = manifest(key_, fields);
        let owner = Owner::new(INSTANCE, &self.app.key, key_).to_string();
        value.set(&["metadata", "annotations", OWNER_ANNOTATION], owner.into());
        DesiredObject {
            key: key_.clone(),
            gvk: gvk_of(key_),
            digest: key().digest(&value),
            value,
            origin: Origin::new("app.yaml", 1, 1),
            commit: self.revision.clone(),
        }
    }

    fn next_version(&mut self) -> Arc<str> {
        self.versions += 1;
        self.versions.to_string().into()
    }

    /// The live object, with a new resourceVersion.
    fn touch(&mut self, key: &ObjectKey) -> &mut LiveObject {
        let version = self.next_version();
        let live = self.live.get_mut(key).unwrap();
        live.resource_version = version;
        live
    }

    fn create(&mut self, key: &ObjectKey, value: Value, managed: Value) {
        let mut value = value;
        value.set(&["metadata", "managedFields"], managed);
        let resource_version = self.next_version();
        let live = LiveObject {
            key: key.clone(),
            gvk: gvk_of(key),
            uid: format!("uid-{}", key.name).into(),
            resource_version,
            generation: 1,
            deleting_since: None,
            value,
        };
        self.live.insert(key.clone(), live);
    }

    /// What apply does: server-side apply of an object without other managers, then the record.
    pub(crate) fn apply(&mut self, desired: &DesiredObject) {
        let fields = fields_v1(&tracked(&desired.value));
        let version = desired.gvk.api.to_string();
        let ours = entry(INSTANCE, "Apply", &version, fields);
        self.create(&desired.key, desired.value.clone(), Value::list(vec![ours]));
        let live = &self.live[&desired.key];
        let record = diff::record(desired, live, INSTANCE, &key(), &desired.commit).unwrap();
        self.record.objects.insert(desired.key.clone(), record);
    }

    fn apply_and_record(&mut self, key: &ObjectKey, fields: &[&str]) {
        let desired = self.rendered(key, fields);
        self.apply(&desired);
    }

    fn foreign(&mut self, key: &ObjectKey, fields: &[&str], manager: &str) {
        let value = manifest(key, fields);
        let version = gvk_of(key).api.to_string();
        let theirs = entry(manager, "Update", &version, fields_v1(&tracked(&value)));
        self.create(key, value, Value::list(vec![theirs]));
    }

    fn edit(&mut self, key: &ObjectKey, assignment: &str, manager: &str) {
        let (path, new) = field(&key.kind, assignment);
        let (manager, version) = manager.split_once('@').unwrap_or((manager, "v1"));
        let version = Gvk::new(&key.group, version, &key.kind).api.to_string();
        let live = self.touch(key);
        disown(live, &path);
        let mut set_only = Value::default();
        set(&mut set_only, &path, new.clone());
        set(&mut live.value, &path, new);
        let mut all = entries(live);
        all.push(entry(manager, "Update", &version, fields_v1(&set_only)));
        live.value.set(&["metadata", "managedFields"], Value::list(all));
    }

    fn remove(&mut self, key: &ObjectKey, name: &str) {
        let (path, _) = field(&key.kind, &format!("{name}=x"));
        let live = self.touch(key);
        disown(live, &path);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        live.value.remove(&path);
    }

    fn annotate(&mut self, key: &ObjectKey, name: &str, text: &str) {
        self.touch(key).value.set(&["metadata", "annotations", name], text.into());
    }

    /// The last attempt of the current revision failed so many times, just now.
    fn failed(&mut self, key_: &ObjectKey, refusal: &str, times: u32) {
        let refusal = match refusal {
            "Immutable" => Refusal::Immutable,
            "Invalid" => Refusal::Invalid,
            _ => Refusal::Forbidden,
        };
        let digest = self.desired.iter().find(|desired| desired.key == *key_).map(|desired| desired.digest);
        let attempt =
            Attempt { revision: Some(self.revision.clone()), generation: self.app.generation, digest };
        for _ in 0..times {
            let previous = self.history.failures.get(key_);
            let what = (refusal, "no".to_owned());
            let failure = Failure::after(previous, attempt.clone(), what, &self.app.sync.retry, self.now);
            self.history.failures.insert(key_.clone(), failure);
        }
    }

    fn dry_run(&mut self, key_: &ObjectKey, outcome: &str) {
        let outcome = match outcome {
            "unchanged" => DryRunOutcome::Unchanged,
            "changed" => DryRunOutcome::Changed,
            _ => DryRunOutcome::Refused("nope".into()),
        };
        let wanted = self.decide().1.dry_runs.into_iter().find(|run| run.desired.key == *key_).unwrap();
        let (digest, resource_version) = (wanted.desired.digest, wanted.resource_version);
        self.history.dry_runs.insert(key_.clone(), DryRunResult { digest, resource_version, outcome });
    }

    fn with_input<T>(&mut self, decide: impl FnOnce(&Input<'_>, &mut Memo) -> T) -> T {
        let set = DesiredSet::new(self.revision.clone(), self.desired.iter().cloned());
        self.with_set(&set, decide)
    }

    fn with_set<T>(&mut self, set: &DesiredSet, decide: impl FnOnce(&Input<'_>, &mut Memo) -> T) -> T {
        let findings = [Finding::error("bad", "no kind").at(Origin::new("app.yaml", 3, 1))];
        let last_good = Some(set);
        let desired = match self.render {
            Render::Ready => Desired::Ready(set),
            Render::Failed => Desired::Failed { findings: &findings, last_good },
            Render::FailedAtOnce => Desired::Failed { findings: &findings, last_good: None },
            Render::Unavailable => Desired::Unavailable { reason: "no route to host", last_good },
            Render::Vanished => Desired::VanishedPath { path: "apps/shop", last_good },
        };
        let us = |owner: Owner| &*owner.instance == INSTANCE && owner.app == self.app.key;
        let owner = |live: &LiveObject| Owner::of(&live.key, live.annotation(OWNER_ANNOTATION)?);
        let owned: Vec<(ObjectKey, Gvk)> = self
            .live
            .values()
            .filter(|live| owner(live).is_some_and(us))
            .map(|live| (live.key.clone(), live.gvk.clone()))
            .collect();
        let mut memo = std::mem::take(&mut self.memo);
        let input = Input {
            app: &self.app,
            instance: INSTANCE,
            key: &key(),
            adopted_managers: &diff::ADOPTABLE,
            desired,
            record: &self.record,
            owned: &owned,
            live: self,
            kinds: self,
            claims: self,
            request: &self.request,
            history: &self.history,
            now: self.now,
        };
        let result = decide(&input, &mut memo);
        self.memo = memo;
        result
    }

    pub(crate) fn decide(&mut self) -> (Plan, Report) {
        self.with_input(plan)
    }

    /// The decision and how long it took, without setting the scene.
    pub(crate) fn time(&mut self, set: &DesiredSet) -> (Plan, Report, Duration) {
        self.with_set(set, |input, memo| {
            let started = std::time::Instant::now();
            let (plan, report) = plan(input, memo);
            (plan, report, started.elapsed())
        })
    }

    pub(crate) fn decide_deletion(&mut self) -> Deletion {
        self.with_input(plan_deletion)
    }

    /// The decision as text.
    pub(crate) fn plan(&mut self) -> String {
        let (plan, report) = self.decide();
        render(&plan, &report)
    }

    /// The decision about the Application's deletion as text.
    pub(crate) fn delete(&mut self) -> String {
        let Deletion { plan, report, done } = self.decide_deletion();
        format!("{}\n{}", if done { "done" } else { "not done" }, render(&plan, &report))
    }
}

fn render(plan: &Plan, report: &Report) -> String {
    let mut text = String::new();
    let _ = writeln!(text, "{} {}", report.state.as_str(), report.reason.as_str());
    let _ = write!(text, "{report}");
    for fight in &report.fights {
        let _ = writeln!(text, "fight: {fight}");
    }
    for run in &report.dry_runs {
        let _ = writeln!(text, "dry run: {}", run.desired.key);
    }
    for stage in &plan.stages {
        let steps: Vec<String> = stage.steps.iter().map(step).collect();
        let _ = writeln!(text, "> {}: {}", stage.name, steps.join(", "));
    }
    text
}

fn step(step: &Step) -> String {
    let key = &step.key;
    match &step.action {
        Action::Apply(apply) => {
            let why = match apply.why {
                Why::Create => "create",
                Why::Change => "change",
                Why::Heal(_) => "heal",
                Why::Adopt => "adopt",
            };
            let mut text = format!("{why} {key}");
            if let Some(rewrite) = &apply.rewrite {
                let _ = write!(text, " after a rewrite ({})", rewrite.from.join(" "));
            }
            if let Some(handover) = &apply.handover {
                let replicas = handover.body.int_at(&["spec", "replicas"]).unwrap_or_default();
                let _ = write!(text, " after {} has {replicas} replicas", handover.manager);
            }
            if apply.desired.value.at(&["spec", "replicas"]).is_some() {
                text.push_str(" with replicas");
            }
            text
        }
        Action::Recreate(recreate) => format!("recreate {key} {}", recreate.delete.uid),
        Action::Record(_) => format!("record {key}"),
        Action::Prune(prune) => format!("delete {key} {}", prune.uid),
        Action::Abandon(_) => format!("abandon {key}"),
        Action::Forget => format!("forget {key}"),
    }
}

impl LiveSet for World {
    fn glance(&self, key: &ObjectKey, _: &Gvk) -> Glance {
        if self.unknown.contains(key) {
            return Glance::Unknown("not allowed to list".into());
        }
        match self.live.get(key) {
            None => Glance::Absent,
            Some(live) => Glance::Present {
                uid: live.uid.clone(),
                resource_version: live.resource_version.clone(),
                deleting: live.deleting_since.is_some(),
            },
        }
    }

    fn get(&self, key: &ObjectKey, _: &Gvk) -> Live {
        *self.gets.borrow_mut() += 1;
        self.live.get(key).map_or(Live::Absent, |live| Live::Present(Box::new(live.clone())))
    }

    fn namespace(&self, _: &str) -> NamespaceState {
        self.namespace.unwrap_or(NamespaceState::Active)
    }

    fn is_autoscaled(&self, key: &ObjectKey) -> bool {
        self.autoscaled.contains(key)
    }
}

impl Kinds for World {
    fn serving(&self, gvk: &Gvk) -> Serving {
        match &*gvk.kind {
            kind if self.failing.contains(kind) => Serving::GroupFailing("its API group fails".into()),
            kind if self.unserved.contains(kind) => Serving::NotServed,
            kind if self.dropped.contains(kind) && &*gvk.api.version == "v1" => {
                Serving::OtherVersion(Gvk::new(&gvk.api.group, "v2", kind))
            }
            _ if &*gvk.api.version == "v0" => Serving::NotServed,
            _ => Serving::Served,
        }
    }
}

impl Claims for World {
    fn claims(&self, key: &ObjectKey, except: &AppKey) -> Vec<Claim> {
        let claims = self.claims.get(key).cloned().unwrap_or_default();
        claims.into_iter().filter(|claim| claim.app != *except).collect()
    }

    fn unrendered(&self, _: &AppKey) -> Vec<Unrendered> {
        self.unrendered.clone()
    }
}
