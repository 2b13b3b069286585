//! A small cluster with server-side apply for flat objects, driven by scenarios: one verb a line.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use lockstep_core::*;
use lockstep_plan::*;

use crate::objects::*;
use crate::text::render;

pub(crate) const INSTANCE: &str = "lockstep";

/// What a scenario has set up.
pub(crate) struct World {
    pub(crate) app: Application,
    pub(crate) desired: Vec<DesiredObject>,
    pub(crate) live: BTreeMap<ObjectKey, LiveObject>,
    pub(crate) record: AppRecord,
    pub(crate) request: Request,
    pub(crate) unready: Vec<Unready>,
    pub(crate) history: History,
    pub(crate) memo: Memo,
    pub(crate) run: Option<Run>,
    pub(crate) today: Timestamp,
    pub(crate) now: Millis,
    pub(crate) revision: CommitId,
    pub(crate) gets: RefCell<usize>,
    render: Render,
    pub(crate) claims: BTreeMap<ObjectKey, Vec<Claim>>,
    pub(crate) unrendered: Vec<Unrendered>,
    pub(crate) unserved: BTreeSet<String>,
    pub(crate) dropped: BTreeSet<String>,
    pub(crate) failing: BTreeSet<String>,
    pub(crate) unknown: BTreeSet<ObjectKey>,
    pub(crate) autoscaled: BTreeSet<ObjectKey>,
    pub(crate) namespace: Option<NamespaceState>,
    pub(crate) health: BTreeMap<ObjectKey, Health>,
    /// Whose health was asked for.
    pub(crate) asked: RefCell<Vec<ObjectKey>>,
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
            timeout: None,
            replace: false,
            force: false,
            create_namespace: None,
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
            depends_on: Vec::new(),
            deletion: DeletionPolicy::Prune,
            history: 10,
        };
        Self {
            app,
            desired: Vec::new(),
            live: BTreeMap::new(),
            record: AppRecord::default(),
            request: Request::default(),
            unready: Vec::new(),
            history: History::default(),
            memo: Memo::default(),
            run: None,
            today: Timestamp(1_795_503_000),
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
            health: BTreeMap::new(),
            asked: RefCell::new(Vec::new()),
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
            "recorded-as" => {
                let earlier = self.rendered(&object(1), &words[2..]).digest;
                self.record.objects.get_mut(&object(1)).unwrap().rendered = earlier;
            }
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
                    "idle" => Standing::Idle,
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
            "is" => {
                self.touch(&object(1));
                let state = match words[2] {
                    "healthy" => HealthState::Healthy,
                    "suspended" => HealthState::Suspended,
                    "degraded" => HealthState::Degraded,
                    _ => HealthState::Progressing,
                };
                self.health.insert(object(1), Health::new(state, words[3..].join(" ")));
            }
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
            "wait" => {
                let seconds: u64 = words[1].parse().unwrap();
                self.now = self.now.after(Duration::from_secs(seconds));
                self.today.0 += i64::try_from(seconds).unwrap();
            }
            "ask" => self.request.sync = true,
            "abort" => self.request.abort = true,
            "unabort" => self.request.abort = false,
            "regit" => {
                let desired = self.rendered(&object(1), &words[2..]);
                self.desired.retain(|before| before.key != desired.key);
                self.desired.push(desired);
            }
            "ungit" => self.desired.retain(|before| before.key != key_of(words[1])),
            "only" => self.request.only = Selection::parse(words[1]),
            "waits-for" => self.unready.push(Unready { key: object(1), why: words[2..].join(" ") }),
            "ready" => self.unready.clear(),
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
            "automatic" => sync.mode = SyncMode::Automatic,
            "heal" => sync.self_heal = true,
            "no-heal" => sync.self_heal = false,
            "no-prune" => sync.prune = false,
            "allow-empty" => sync.allow_empty = true,
            "suspend" => self.app.suspend = true,
            word if word.starts_with("timeout=") => {
                sync.timeout = Some(Duration::from_secs(word["timeout=".len()..].parse().unwrap()));
            }
            "replace" => sync.replace = true,
            "force" => sync.force = true,
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
            revisions: std::slice::from_ref(&self.revision),
            record: &self.record,
            owned: &owned,
            live: self,
            kinds: self,
            claims: self,
            request: &self.request,
            unready: &self.unready,
            history: &self.history,
            run: self.run.as_ref(),
            now: self.now,
            today: self.today,
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
