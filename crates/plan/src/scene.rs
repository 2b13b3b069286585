//! What all decisions of one plan share.

use std::cell::OnceCell;
use std::sync::Arc;

use diff::Extra;
use lockstep_core::{AppKey, Digest, LiveObject, Manner, ObjectKey, Owner, SyncMode, Wave};

use crate::desired::{Desired, DesiredSet};
use crate::failure::{Attempt, Failure};
use crate::input::{DryRunOutcome, Input};
use crate::live::{Claim, Standing, Unrendered};
use crate::memo::{PruneMark, PruneMoment};
use crate::report::{Because, Change, Drift, Entry, Verdict};
use crate::step::Action;
use crate::subject::Subject;

/// What is decided about one object: what to say, and what to do.
pub(crate) struct Draft {
    pub(crate) entry: Entry,
    pub(crate) action: Option<Action>,
    /// What the live object says about its deletion, where that is what was decided.
    pub(crate) mark: PruneMark,
    pub(crate) moment: PruneMoment,
}

/// What is meant to be done about one entry, until a later rule forbids it.
pub(crate) struct Intent {
    /// Its index in the Report.
    pub(crate) entry: usize,
    pub(crate) action: Action,
    pub(crate) mark: PruneMark,
    pub(crate) moment: PruneMoment,
}

/// What all decisions of one plan share.
pub(crate) struct Scene<'i, 'a> {
    pub(crate) input: &'i Input<'a>,
    pub(crate) set: Option<&'a DesiredSet>,
    pub(crate) no_extras: Arc<[Extra]>,
    unrendered: OnceCell<Vec<Unrendered>>,
}

/// Whose an object is.
pub(crate) enum Standpoint {
    /// Ours, also where another Application would like to have it.
    Ours(Option<AppKey>),
    /// Another one's.
    Theirs(Owner),
    /// Another Application's that has not rendered the newest commit and may be giving it up.
    Leaving(AppKey),
}

impl<'i, 'a> Scene<'i, 'a> {
    pub(crate) fn new(input: &'i Input<'a>, no_extras: Arc<[Extra]>) -> Self {
        Self { input, set: input.desired.set(), no_extras, unrendered: OnceCell::new() }
    }

    /// Whether an owner annotation names this Application.
    pub(crate) fn is_us(&self, owner: &Owner) -> bool {
        &*owner.instance == self.input.instance && owner.app == self.input.app.key
    }

    /// Whether everything was rendered: without that nothing leaves the cluster or the record.
    pub(crate) fn is_ready(&self) -> bool {
        matches!(self.input.desired, Desired::Ready(_))
    }

    /// Whether the render is empty where it must not be.
    pub(crate) fn is_suspiciously_empty(&self) -> bool {
        let empty = matches!(self.input.desired, Desired::Ready(set) if set.objects().is_empty());
        let nothing_known = self.input.record.objects.is_empty() && self.input.owned.is_empty();
        empty && !nothing_known && !self.input.app.sync.allow_empty
    }

    /// Looked up at most once a plan: its cost grows with the number of Applications on the repository.
    pub(crate) fn unrendered(&self) -> &[Unrendered] {
        self.unrendered.get_or_init(|| self.input.claims.unrendered(&self.input.app.key))
    }

    pub(crate) fn is_autoscaled(&self, key: &ObjectKey) -> bool {
        self.set.is_some_and(|set| set.autoscales(key)) || self.input.live.is_autoscaled(key)
    }

    pub(crate) fn attempt(&self, digest: Option<Digest>) -> Attempt {
        let revision = self.set.map(|set| set.revision().clone());
        Attempt { revision, generation: self.input.app.generation, digest }
    }

    /// The failure of exactly this attempt.
    pub(crate) fn failure(&self, key: &ObjectKey, digest: Option<Digest>) -> Option<&'i Failure> {
        let failure = self.input.history.failures.get(key)?;
        (failure.attempt == self.attempt(digest)).then_some(failure)
    }

    /// What the last dry run said of exactly this body and this live object.
    pub(crate) fn dry_run(&self, live: &LiveObject, digest: Digest) -> Option<&'i DryRunOutcome> {
        let result = self.input.history.dry_runs.get(&live.key)?;
        let same = result.digest == digest && result.resource_version == live.resource_version;
        same.then_some(&result.outcome)
    }

    /// Whether a sync was asked for that is for an object.
    pub(crate) fn asks(&self, key: &ObjectKey) -> bool {
        self.input.request.sync && self.input.request.only.contains(key)
    }

    /// How a desired object is synced.
    pub(crate) fn manner(&self, key: &ObjectKey) -> Manner {
        let otherwise = if self.input.app.sync.replace { Manner::Replaced } else { Manner::Applied };
        self.set.and_then(|set| set.treatment(key).manner).unwrap_or(otherwise)
    }

    /// Whether an object is deleted and made again where a change is forbidden to it.
    pub(crate) fn forces(&self, key: &ObjectKey) -> bool {
        self.input.app.sync.force || self.set.is_some_and(|set| set.treatment(key).force)
    }

    /// Why the policy does not let a change of an object be made, if it does not.
    pub(crate) fn policy_for(&self, key: &ObjectKey, change: &Change) -> Option<Because> {
        self.policy_if(self.asks(key), change)
    }

    /// Why the policy does not let a change be made, if it does not.
    pub(crate) fn policy(&self, change: &Change) -> Option<Because> {
        self.policy_if(self.input.request.sync, change)
    }

    fn policy_if(&self, asked: bool, change: &Change) -> Option<Because> {
        let sync = &self.input.app.sync;
        let heal = matches!(change, Change::Heal(_));
        let is_prune = matches!(change, Change::Prune { .. });
        match sync.mode {
            _ if self.input.app.suspend => Some(Because::Suspended),
            SyncMode::Notify => Some(Because::Notify),
            _ if asked => None,
            // An approval of exactly these deletions asks for them; `budget` sees to "exactly".
            SyncMode::Manual if self.input.request.approved.is_some() && is_prune => None,
            SyncMode::Manual if !(heal && sync.self_heal) => Some(Because::Manual),
            SyncMode::Automatic | SyncMode::Manual if heal && !sync.self_heal => Some(Because::SelfHealOff),
            SyncMode::Automatic | SyncMode::Manual => None,
        }
    }

    /// Whether an earlier failure of this attempt makes it wait.
    pub(crate) fn back_off(&self, key: &ObjectKey, failure: Option<&Failure>) -> Option<Because> {
        let failure = failure.filter(|failure| self.input.now < failure.not_before)?;
        (!self.asks(key)).then(|| Because::Failed(Box::new(failure.clone()), None))
    }

    /// Whether a fight makes a heal wait.
    pub(crate) fn fight(&self, key: &ObjectKey, drift: &Drift) -> Option<Because> {
        let fight = self.input.history.fights.get(key)?;
        let held = fight.holds(drift, self.input.now) && !self.asks(key);
        held.then(|| Because::Fighting { manager: fight.manager.clone(), until: fight.not_before })
    }

    /// Whose a desired object is: a valid owner annotation decides, then who has a record, then the order of names, so that two
    /// Applications that both find nothing do not both create.
    pub(crate) fn standpoint(&self, key: &ObjectKey, owner: Option<&Owner>, recorded: bool) -> Standpoint {
        let us = &self.input.app.key;
        let foreign = owner.filter(|owner| &*owner.instance != self.input.instance);
        if let Some(owner) = foreign {
            return Standpoint::Theirs(owner.clone());
        }
        let mut claims = self.input.claims.claims(key, us);
        claims.retain(|claim| claim.standing != Standing::Idle);
        let holder = owner.filter(|owner| owner.app != *us);
        if let Some(claim) = holder.and_then(|owner| claims.iter().find(|claim| claim.app == owner.app)) {
            return self.theirs(key, claim);
        }
        let rival = claims.iter().max_by_key(|claim| claim.standing);
        let ours = owner.is_some_and(|owner| owner.app == *us) || recorded;
        match rival {
            Some(claim) if !ours && self.yields(claim) => self.theirs(key, claim),
            rival => {
                let live = rival.filter(|claim| claim.standing != Standing::Stale);
                Standpoint::Ours(live.map(|claim| claim.app.clone()))
            }
        }
    }

    fn yields(&self, claim: &Claim) -> bool {
        match claim.standing {
            Standing::Recorded | Standing::Stale => true,
            Standing::Desired => claim.app < self.input.app.key,
            Standing::Idle => false,
        }
    }

    fn theirs(&self, key: &ObjectKey, claim: &Claim) -> Standpoint {
        match claim.standing {
            Standing::Stale => Standpoint::Leaving(claim.app.clone()),
            Standing::Idle | Standing::Desired | Standing::Recorded => {
                Standpoint::Theirs(Owner::new(self.input.instance, &claim.app, key))
            }
        }
    }

    pub(crate) fn draft(&self, subject: &Subject<'_>, verdict: Verdict, action: Option<Action>) -> Draft {
        let origin = subject.desired.map(|desired| desired.origin.clone());
        let commit = match (subject.desired, subject.record) {
            (Some(desired), _) => Some(desired.commit.clone()),
            (None, record) => record.map(|record| record.commit.clone()),
        };
        let (key, extras) = (subject.key.clone(), self.no_extras.clone());
        let wave =
            self.set.filter(|_| subject.desired.is_some()).map_or(Wave::default(), |set| set.wave(&key));
        let entry = Entry { key, origin, commit, wave, verdict, extras, contested: None };
        Draft { entry, action, mark: PruneMark::default(), moment: PruneMoment::default() }
    }
}
