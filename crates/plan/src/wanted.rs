//! Decisions about objects that Git has.

use std::sync::Arc;

use diff::Extra;
use lockstep_core::{DesiredObject, Digest, LiveObject, Manner, ObjectKey, ObjectRecord, Owner};

use crate::compare::{self, Adopts, Comparison};
use crate::failure::{Failure, Refusal};
use crate::input::DryRunOutcome;
use crate::live::{Glance, Live, NamespaceState, Serving};
use crate::memo::{Fact, PruneMark, Remembered};
use crate::order;
use crate::report::{Because, Change, Drift, DryRun, KeptBecause, Verdict};
use crate::scene::{Draft, Scene, Standpoint};
use crate::step::{Action, Apply, Ownership, Prune, Recreate, Seen, Why};
use crate::subject::Subject;

/// What is decided about one object that Git has.
pub(crate) struct Decided {
    pub(crate) draft: Draft,
    pub(crate) remembered: Option<Remembered>,
    pub(crate) dry_run: Option<DryRun>,
}

/// One object that Git has.
struct Case<'s, 'i, 'a> {
    scene: &'s Scene<'i, 'a>,
    subject: Subject<'a>,
    /// As rendered.
    rendered: &'a Arc<DesiredObject>,
    /// The digest of what is sent to an object that exists.
    digest: Digest,
    /// `spec.replicas` is named and is an autoscaler's.
    trims: bool,
}

/// The decision about an object that is desired.
pub(crate) fn decide<'a>(
    scene: &Scene<'_, 'a>,
    subject: Subject<'a>,
    rendered: &'a Arc<DesiredObject>,
    remembered: Option<Remembered>,
) -> Decided {
    let glance = scene.input.live.glance(subject.key, &rendered.gvk);
    let trims = compare::names_replicas(&rendered.value) && scene.is_autoscaled(subject.key);
    let known = || remembered.as_ref().and_then(|remembered| remembered.trimmed(rendered.digest));
    let digest = match trims {
        false => rendered.digest,
        true => {
            known().unwrap_or_else(|| scene.input.key.digest(&compare::without_replicas(&rendered.value)))
        }
    };
    let case = Case { scene, subject, rendered, digest, trims };
    if let Some(because) = case.left_alone(&glance) {
        return case.say(Verdict::Kept(because));
    }
    if let Some(extras) = case.unchanged(&glance, remembered.as_ref()) {
        let mut draft = case.in_sync();
        draft.entry.extras = extras;
        return Decided { draft, remembered, dry_run: None };
    }
    match scene.input.kinds.serving(&rendered.gvk) {
        Serving::Served => case.look(glance),
        Serving::GroupFailing(reason) => case.say(Verdict::Unknown(reason)),
        Serving::OtherVersion(other) => case.not_now(Change::Create, Because::OtherVersion(other)),
        Serving::NotServed => {
            let awaited = scene.set.is_some_and(|set| set.defines(&subject.key.group_kind()));
            let because = if awaited { Because::KindAwaited } else { Because::KindMissing };
            case.not_now(Change::Create, because)
        }
    }
}

impl<'a> Case<'_, '_, 'a> {
    fn key(&self) -> &'a ObjectKey {
        self.subject.key
    }

    /// The fields that others added, where it was in sync before and nothing that this rests on changed.
    fn unchanged(&self, glance: &Glance, remembered: Option<&Remembered>) -> Option<Arc<[Extra]>> {
        let Glance::Present { uid, resource_version, deleting: false } = glance else { return None };
        let record = self.subject.record.filter(|record| record.uid == *uid)?;
        let known = remembered?.comparison((uid, resource_version), self.digest, record)?;
        (record.rendered == self.digest && known.drift.is_none()).then(|| known.extras.clone())
    }

    /// Why nothing is done whatever it is like.
    fn left_alone(&self, glance: &Glance) -> Option<KeptBecause> {
        match (self.scene.manner(self.key()), glance) {
            (Manner::Untouched, _) => Some(KeptBecause::Untouched),
            (Manner::Once, Glance::Present { deleting: false, .. }) => Some(KeptBecause::Exists),
            _ => None,
        }
    }

    /// Whose fields are taken over at a first apply.
    fn adopts(&self) -> Adopts {
        match self.scene.manner(self.key()) {
            Manner::Merged => Adopts::No,
            Manner::Replaced => Adopts::All,
            Manner::Applied | Manner::Once | Manner::Untouched => Adopts::Yes,
        }
    }

    fn say(&self, verdict: Verdict) -> Decided {
        Decided { draft: self.scene.draft(&self.subject, verdict, None), remembered: None, dry_run: None }
    }

    /// Nothing differs, and it is ours. Others' claims are looked up every time: they change without the object.
    fn in_sync(&self) -> Draft {
        let mut draft = self.scene.draft(&self.subject, Verdict::InSync, None);
        if let Standpoint::Ours(rival) = self.scene.standpoint(self.key(), None, true) {
            draft.entry.contested = rival;
        }
        draft
    }

    /// A difference that cannot be dealt with now. The policy comes first: what it forbids is not waited for.
    fn not_now(&self, change: Change, because: Because) -> Decided {
        let because = self.scene.policy_for(self.key(), &change).unwrap_or(because);
        self.say(Verdict::Withheld(change, because))
    }

    fn look(&self, glance: Glance) -> Decided {
        match glance {
            Glance::Unknown(reason) => self.say(Verdict::Unknown(reason)),
            Glance::Absent => self.absent(),
            Glance::Present { deleting: true, .. } => self.not_now(self.missing(), Because::Terminating),
            Glance::Present { .. } => match self.scene.input.live.get(self.key(), &self.rendered.gvk) {
                Live::Unknown(reason) => self.say(Verdict::Unknown(reason)),
                Live::Absent => self.absent(),
                Live::Present(live) => self.present(&live),
            },
        }
    }

    /// What it is that an object is not there: drift, if it was as Git has it.
    fn missing(&self) -> Change {
        match self.subject.record {
            Some(record) if [self.digest, self.rendered.digest].contains(&record.rendered) => {
                Change::Heal(Drift::Deleted)
            }
            Some(_) | None => Change::Create,
        }
    }

    fn absent(&self) -> Decided {
        let change = self.missing();
        let rival = match self.scene.standpoint(self.key(), None, self.subject.record.is_some()) {
            Standpoint::Ours(rival) => rival,
            // Whoever makes it first has made it.
            Standpoint::Theirs(_) if self.scene.manner(self.key()) == Manner::Once => None,
            Standpoint::Theirs(owner) => return self.say(Verdict::Conflict(owner)),
            Standpoint::Leaving(app) => return self.not_now(change, Because::MovingFrom(app)),
        };
        let failure = self.scene.failure(self.key(), Some(self.rendered.digest));
        let because = self
            .scene
            .policy_for(self.key(), &change)
            .or_else(|| self.namespace())
            .or_else(|| self.wait(&change, failure));
        let mut decided = match because {
            Some(because) => self.say(Verdict::Withheld(change, because)),
            None => {
                let why = if change == Change::Create { Why::Create } else { Why::Heal(Drift::Deleted) };
                let action = Action::Apply(Box::new(self.creation(why)));
                let draft = self.scene.draft(&self.subject, Verdict::Act(change), Some(action));
                Decided { draft, remembered: None, dry_run: None }
            }
        };
        decided.draft.entry.contested = rival;
        decided
    }

    /// What is wrong with the namespace of an object to be made.
    fn namespace(&self) -> Option<Because> {
        let name = &self.key().namespace;
        if name.is_empty() {
            return None;
        }
        let made_here = || {
            let key = ObjectKey::new("", "Namespace", "", name);
            self.scene.set.is_some_and(|set| set.get(&key).is_some())
        };
        match self.scene.input.live.namespace(name) {
            NamespaceState::Active | NamespaceState::Unknown => None,
            NamespaceState::Terminating => Some(Because::NamespaceTerminating),
            NamespaceState::Missing => (!made_here()).then_some(Because::NamespaceMissing),
        }
    }

    /// What earlier attempts make it wait for.
    fn wait(&self, change: &Change, failure: Option<&Failure>) -> Option<Because> {
        let fight = match change {
            Change::Heal(drift) => self.scene.fight(self.key(), drift),
            _ => None,
        };
        fight.or_else(|| self.scene.back_off(self.key(), failure))
    }

    fn present(&self, live: &LiveObject) -> Decided {
        let owner = compare::owner(live);
        let record = self.subject.record.filter(|record| record.uid == live.uid);
        let standpoint = self.scene.standpoint(self.key(), owner.as_ref(), record.is_some());
        let rival = match standpoint {
            Standpoint::Theirs(owner) => return self.say(Verdict::Conflict(owner)),
            Standpoint::Leaving(app) => {
                let change = Change::Adopt { from: Vec::new(), owner: Some(app.clone()) };
                return self.not_now(change, Because::MovingFrom(app));
            }
            Standpoint::Ours(rival) => rival,
        };
        let mut decided = match record {
            None => self.unrecorded(live, owner.as_ref()),
            Some(record) => self.recorded(live, record),
        };
        decided.draft.entry.contested = rival;
        decided
    }

    fn unrecorded(&self, live: &LiveObject, owner: Option<&Owner>) -> Decided {
        let input = self.scene.input;
        let ours = owner.is_some_and(|owner| owner.app == input.app.key);
        if let Some(recovered) = ours.then(|| self.recovered(live)).flatten() {
            return recovered;
        }
        let change = match self.subject.record {
            Some(_) => Change::Heal(Drift::Replaced),
            None if ours => Change::Update,
            None => {
                let from = compare::adopted(input, live, self.adopts());
                Change::Adopt { from, owner: owner.map(|owner| owner.app.clone()) }
            }
        };
        self.differs(live, change)
    }

    /// An apply that was not recorded, because the process ended in between: it is not repeated.
    fn recovered(&self, live: &LiveObject) -> Option<Decided> {
        let record = compare::recover(self.scene.input, &self.sent(), live)?;
        let draft =
            self.scene.draft(&self.subject, Verdict::Act(Change::Recover), Some(Action::Record(record)));
        Some(Decided { draft, remembered: None, dry_run: None })
    }

    fn recorded(&self, live: &LiveObject, record: &ObjectRecord) -> Decided {
        if record.rendered != self.digest {
            let may_write = self.scene.policy_for(self.key(), &Change::Update).is_none();
            let recovered = may_write.then(|| self.recovered(live)).flatten();
            return recovered.unwrap_or_else(|| self.differs(live, Change::Update));
        }
        let sent = self.sent();
        let comparison = compare::compare(self.scene.input, record, &sent, live, &self.scene.no_extras);
        let Comparison { drift, extras } = comparison.clone();
        let mut decided = match drift {
            None => Decided { draft: self.in_sync(), remembered: None, dry_run: None },
            Some(Drift::Fields(_) | Drift::Undecided) if self.may_drift() => {
                Decided { draft: self.in_sync(), remembered: None, dry_run: None }
            }
            Some(drift) => self.differs(live, Change::Heal(drift)),
        };
        decided.draft.entry.extras = extras;
        decided.remembered = Some(Remembered {
            uid: live.uid.clone(),
            resource_version: live.resource_version.clone(),
            fact: Box::new(Fact::Compared {
                digest: self.digest,
                rendered: record.rendered,
                live: record.live,
                comparison,
                trimmed: self.trims.then_some((self.rendered.digest, self.digest)),
            }),
        });
        decided
    }

    fn may_drift(&self) -> bool {
        self.scene.set.is_some_and(|set| set.treatment(self.key()).may_drift)
    }

    /// What Git wants, as it is sent to an object that exists.
    fn sent(&self) -> Arc<DesiredObject> {
        match self.trims {
            false => self.rendered.clone(),
            true => Arc::new(DesiredObject {
                value: compare::without_replicas(&self.rendered.value),
                digest: self.digest,
                ..DesiredObject::clone(self.rendered)
            }),
        }
    }

    /// A live object that is not, or may not be, as it should be.
    fn differs(&self, live: &LiveObject, change: Change) -> Decided {
        let withheld = self.scene.policy_for(self.key(), &change);
        let undecided = matches!(change, Change::Heal(Drift::Undecided));
        let told = self.scene.dry_run(live, self.digest);
        if matches!((&change, told), (Change::Heal(_), Some(DryRunOutcome::Unchanged))) {
            // It was applied, or tried, to exactly this state and changed nothing: whatever seems to differ is no drift.
            return Decided { draft: self.in_sync(), remembered: None, dry_run: None };
        }
        // A dry run costs a request: it is worth it where no apply will tell, and where an apply could be repeated for ever.
        let dry_run = (withheld.is_some() || undecided) && withheld != Some(Because::Suspended);
        match dry_run.then_some(told) {
            Some(Some(DryRunOutcome::Unchanged)) => {
                return Decided { draft: self.in_sync(), remembered: None, dry_run: None };
            }
            Some(Some(DryRunOutcome::Refused(message))) => {
                return self.say(Verdict::Withheld(change, Because::Refused(message.clone())));
            }
            Some(None) => {
                let resource_version = live.resource_version.clone();
                let dry_run = Some(DryRun { desired: self.sent(), resource_version });
                let verdict = Verdict::Withheld(change, withheld.unwrap_or(Because::DryRun));
                return Decided { dry_run, ..self.say(verdict) };
            }
            Some(Some(DryRunOutcome::Changed)) | None => {}
        }
        match withheld {
            Some(because) => self.say(Verdict::Withheld(change, because)),
            None => self.act(live, change),
        }
    }

    fn act(&self, live: &LiveObject, change: Change) -> Decided {
        // A recreation sends the object in full.
        let attempts = [self.digest, self.rendered.digest];
        let failure = attempts.into_iter().find_map(|digest| self.scene.failure(self.key(), Some(digest)));
        if let Some(failure) = failure.filter(|failure| failure.refusal == Refusal::Immutable) {
            return self.immutable(live, change, failure);
        }
        if let Some(because) = self.wait(&change, failure) {
            return self.say(Verdict::Withheld(change, because));
        }
        let apply = self.apply(live, &change);
        let action = Action::Apply(Box::new(apply));
        let draft = self.scene.draft(&self.subject, Verdict::Act(change), Some(action));
        Decided { draft, remembered: None, dry_run: None }
    }

    fn apply(&self, live: &LiveObject, change: &Change) -> Apply {
        let input = self.scene.input;
        let (why, adopts) = match change {
            Change::Adopt { .. } => (Why::Adopt, self.adopts()),
            Change::Heal(drift @ Drift::Replaced) => (Why::Heal(drift.clone()), self.adopts()),
            Change::Heal(drift) => (Why::Heal(drift.clone()), Adopts::No),
            // Others' fields go with each change of an object that is replaced.
            Change::Update if self.adopts() == Adopts::All => (Why::Change, Adopts::All),
            Change::Create | Change::Update | Change::Recreate | Change::Recover => (Why::Change, Adopts::No),
            Change::Prune { .. } | Change::Forget | Change::Hook(_) | Change::HookEnded => {
                (Why::Change, Adopts::No)
            }
        };
        let desired = self.sent();
        let rewrite = compare::rewrite(input, &desired, live, adopts);
        let lets_go = !compare::names_replicas(&desired.value) && self.scene.is_autoscaled(self.key());
        let handover = if lets_go { compare::handover(input, live, rewrite.as_ref()) } else { None };
        let ownership = if adopts == Adopts::No { Ownership::Force } else { Ownership::AskFirst };
        let seen = Seen { uid: live.uid.clone(), resource_version: live.resource_version.clone() };
        Apply { desired, why, rewrite, ownership, handover, seen: Some(seen) }
    }

    /// A change that the API server refuses for this object: only a new object can have it.
    fn immutable(&self, live: &LiveObject, change: Change, failure: &Failure) -> Decided {
        let allowed = [&live.value, &self.rendered.value]
            .into_iter()
            .any(|object| PruneMark::of(object) == PruneMark::Allowed)
            || self.scene.forces(self.key());
        if !self.scene.is_ready() {
            // A recreate is a deletion, and without a good render nothing is deleted.
            return self.say(Verdict::Withheld(change, Because::NotRendered));
        }
        let waits = self.scene.back_off(self.key(), Some(failure)).is_some();
        let hint = match (order::is_protected(self.key()), allowed) {
            (true, _) => Some("objects of this kind are never deleted to be created again"),
            (false, false) => {
                Some("annotate it with `lockstep.dev/prune: allowed` to let it be deleted and created again")
            }
            (false, true) => None,
        };
        // The first refusal is what asks for the new object; after that one failed as well, the back-off counts.
        if (hint.is_some() || failure.attempts > 1) && waits {
            return self.say(Verdict::Withheld(change, Because::Failed(Box::new(failure.clone()), hint)));
        }
        let apply = self.apply(live, &change);
        let (change, action) = match hint {
            Some(_) => (change, Action::Apply(Box::new(apply))),
            None => (Change::Recreate, Action::Recreate(Box::new(self.recreate(live)))),
        };
        let draft = self.scene.draft(&self.subject, Verdict::Act(change), Some(action));
        Decided { draft, remembered: None, dry_run: None }
    }

    fn recreate(&self, live: &LiveObject) -> Recreate {
        let propagation = self.scene.input.app.sync.propagation;
        let delete = Prune { gvk: self.rendered.gvk.clone(), uid: live.uid.clone(), propagation };
        Recreate { delete, apply: self.creation(Why::Create) }
    }

    /// The apply of an object that is not there: in full, also where an autoscaler will have `spec.replicas`. The next plan hands
    /// them over.
    fn creation(&self, why: Why) -> Apply {
        let (rewrite, handover, seen) = (None, None, None);
        Apply { desired: self.rendered.clone(), why, rewrite, ownership: Ownership::Force, handover, seen }
    }
}
