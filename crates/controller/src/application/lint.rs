//! The last look at a plan before it is executed: rules that must hold whatever `plan` decided.
//!
//! A plan that breaks one is a defect of ours. Nothing of it is executed; the Application says so, and the log has the rule.

use std::collections::BTreeSet;

use ::plan::{Action, Desired, Plan, Prune, Step};
use lockstep_core::{AppRecord, ObjectKey};

use super::plan::Planned;

/// A plan that may be executed.
pub(crate) struct Linted {
    /// The plan; without stages where the one that was made broke a rule.
    pub(crate) planned: Planned,
}

/// Checks a plan.
pub(crate) fn lint(mut planned: Planned) -> Linted {
    let rendered = &planned.observed.rendered;
    let owned = planned.observed.owned.iter().map(|(key, _)| key).collect();
    let record = rendered.valid.found.state.recorded.record();
    let broken = broken(&planned.plan, &rendered.outcome.desired(), record, &owned);
    if !broken.is_empty() {
        for rule in broken {
            tracing::error!(app = %planned.plan.app, rule, "A plan broke a rule and is not executed: this is a defect of Lockstep");
        }
        planned.plan.stages.clear();
    }
    Linted { planned }
}

fn broken(
    plan: &Plan,
    desired: &Desired<'_>,
    record: &AppRecord,
    owned: &BTreeSet<&ObjectKey>,
) -> BTreeSet<&'static str> {
    let mut broken = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for step in plan.steps() {
        if !seen.insert(&step.key) {
            broken.insert("an object has one step at most");
        }
        let Some(prune) = deletion(step) else { continue };
        if prune.uid.is_empty() {
            broken.insert("a deletion names the uid of its object");
        }
        if !matches!(desired, Desired::Ready(_)) {
            broken.insert("nothing is deleted unless everything was rendered");
        }
        if !record.objects.contains_key(&step.key) && !owned.contains(&step.key) {
            broken.insert("only what is recorded or owned is deleted");
        }
        let pruned = matches!(step.action, Action::Prune(_));
        if pruned && desired.set().is_some_and(|set| set.get(&step.key).is_some()) {
            broken.insert("what is desired is not pruned");
        }
    }
    broken
}

fn deletion(step: &Step) -> Option<&Prune> {
    match &step.action {
        Action::Prune(prune) => Some(prune),
        Action::Recreate(recreate) => Some(&recreate.delete),
        Action::Apply(_) | Action::Record(_) | Action::Abandon(_) | Action::Forget => None,
    }
}

#[cfg(test)]
mod tests {
    use ::plan::{DesiredSet, Stage};
    use lockstep_core::{AppKey, CommitId, Gvk, Propagation};

    use super::*;

    fn key(name: &str) -> ObjectKey {
        ObjectKey::new("", "ConfigMap", "n", name)
    }

    fn prune(name: &str, uid: &str) -> Step {
        let gvk = Gvk::new("", "v1", "ConfigMap");
        let prune = Prune { gvk, uid: uid.into(), propagation: Propagation::Background };
        Step { key: key(name), action: Action::Prune(prune) }
    }

    fn check(steps: Vec<Step>, ready: bool, expected: &[&str]) {
        let stages = vec![Stage { name: "prune", steps }];
        let plan = Plan { app: AppKey::new("n", "a"), generation: 1, revision: None, stages };
        let set = DesiredSet::new(CommitId::parse(&"a".repeat(40)).unwrap(), []);
        let desired = match ready {
            true => Desired::Ready(&set),
            false => Desired::VanishedPath { path: "x", last_good: Some(&set) },
        };
        let (ours, record) = (key("ours"), AppRecord::default());
        let found = broken(&plan, &desired, &record, &BTreeSet::from([&ours]));
        assert_eq!(found.into_iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn deletions_obey_the_rules() {
        check(vec![prune("ours", "u")], true, &[]);
        check(vec![prune("ours", "")], true, &["a deletion names the uid of its object"]);
        check(vec![prune("ours", "u")], false, &["nothing is deleted unless everything was rendered"]);
        check(vec![prune("foreign", "u")], true, &["only what is recorded or owned is deleted"]);
        check(vec![prune("ours", "u"), prune("ours", "u")], true, &["an object has one step at most"]);
    }
}
