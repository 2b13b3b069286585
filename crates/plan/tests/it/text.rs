//! Decisions as text.

use std::fmt::Write as _;

use lockstep_plan::*;

pub(crate) fn render(plan: &Plan, report: &Report) -> String {
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
