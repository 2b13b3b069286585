//! The whole decision: every object, then what only all of them together show.

use crate::budget;
use crate::gate;
use crate::hooks::{self, Course};
use crate::input::Input;
use crate::memo::{Memo, next_of};
use crate::report::{DryRun, Entry, Report};
use crate::scene::{Draft, Intent, Scene};
use crate::stage;
use crate::step::Plan;
use crate::subject::subjects;
use crate::summary;
use crate::{unwanted, wanted};

/// Decides what is to be done to make live equal desired, and why the rest is not done.
///
/// Guarantees: total (no input makes it fail); the same result for the same input, whatever the memo holds, except that deletions
/// which an approval covered stay approved while the memo lives; no deletion unless everything was rendered.
/// Cost: an object that did not change since the last plan is looked at, not parsed.
pub fn plan(input: &Input<'_>, memo: &mut Memo) -> (Plan, Report) {
    let scene = Scene::new(input, memo.no_extras());
    let mut dry_runs = Vec::new();
    let (mut entries, mut intents) = decide_each(&scene, memo, &mut dry_runs);
    let block = budget::hold(&scene, &mut entries, &mut intents, memo);
    let course = match gate::dependencies(&scene).filter(|_| !input.request.abort) {
        // What is under way goes on once they are ready again.
        Some(gate) => {
            gate::hold_all(&mut entries, &mut intents, &gate);
            Course { run: input.run.cloned(), drafts: Vec::new(), wake: None }
        }
        None => hooks::direct(&scene, &mut entries, &mut intents, memo),
    };
    let place = |intent: Intent| {
        let entry = &entries[intent.entry];
        (entry.key.clone(), entry.wave, intent.action)
    };
    let mut actions: Vec<_> = intents.into_iter().map(place).collect();
    let Course { run, drafts, wake } = course;
    for Draft { entry, action, .. } in drafts {
        actions.extend(action.map(|action| (entry.key.clone(), entry.wave, action)));
        entries.push(entry);
    }
    entries.sort_by(|a, b| a.key.cmp(&b.key));
    let plan = Plan {
        app: input.app.key.clone(),
        generation: input.app.generation,
        revision: scene.set.map(|set| set.revision().clone()),
        stages: stage::stages(actions),
    };
    let mut report = summary::report(&scene, entries, block, dry_runs);
    report.run = run;
    report.wake = [report.wake, wake].into_iter().flatten().min();
    (plan, report)
}

/// Decides about each object. Intents are few where entries are many.
fn decide_each(
    scene: &Scene<'_, '_>,
    memo: &mut Memo,
    dry_runs: &mut Vec<DryRun>,
) -> (Vec<Entry>, Vec<Intent>) {
    let mut old = memo.take();
    let expected = scene.set.map_or(0, |set| set.objects().len()).max(scene.input.record.objects.len());
    let mut entries = Vec::with_capacity(expected);
    let mut intents = Vec::new();
    memo.objects.reserve(expected);
    let is_hook = |key| scene.set.is_some_and(|set| set.is_hook(key));
    let all = subjects(scene.set, scene.input.record, scene.input.owned);
    for subject in all.filter(|subject| !is_hook(subject.key)) {
        let (key, known) = next_of(&mut old, subject.key).unzip();
        let (Draft { entry, action, mark, moment }, remembered) = match subject.desired {
            None => unwanted::decide(scene, &subject, known),
            Some(desired) => {
                let wanted::Decided { draft, remembered, dry_run } =
                    wanted::decide(scene, subject, desired, known);
                dry_runs.extend(dry_run);
                (draft, remembered)
            }
        };
        if let Some(remembered) = remembered {
            memo.objects.push((key.unwrap_or_else(|| subject.key.clone()), remembered));
        }
        intents.extend(action.map(|action| Intent { entry: entries.len(), action, mark, moment }));
        entries.push(entry);
    }
    (entries, intents)
}
