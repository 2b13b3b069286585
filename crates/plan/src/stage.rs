//! Steps in order.

use std::cmp::Reverse;

use lockstep_core::{ObjectKey, Wave};

use crate::order::{Layer, place};
use crate::step::{Action, Stage, Step};

/// What a stage is for.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    /// Only records change.
    Records,
    Applies(Wave, Layer),
    /// In reverse: what depends on others goes first.
    Prunes(Reverse<(Wave, Layer)>),
}

impl Part {
    fn of(action: &Action, wave: Wave, layer: Layer) -> Self {
        match action {
            Action::Record(_) | Action::Abandon(_) | Action::Forget => Self::Records,
            Action::Apply(_) | Action::Recreate(_) => Self::Applies(wave, layer),
            Action::Prune(_) => Self::Prunes(Reverse((wave, layer))),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Records => "records",
            Self::Applies(_, layer) => layer.apply_stage(),
            Self::Prunes(Reverse((_, layer))) => layer.prune_stage(),
        }
    }
}

/// Groups actions into stages: records, applies by wave and kind, deletions by both in reverse.
pub(crate) fn stages(actions: Vec<(ObjectKey, Wave, Action)>) -> Vec<Stage> {
    let mut steps: Vec<(Part, usize, Step)> = actions
        .into_iter()
        .map(|(key, wave, action)| {
            let (layer, rank) = place(&key);
            let part = Part::of(&action, wave, layer);
            let rank = if matches!(part, Part::Prunes(_)) { usize::MAX - rank } else { rank };
            (part, rank, Step { key, action })
        })
        .collect();
    // Stable: inside a kind the order of keys stays.
    steps.sort_by_key(|(part, rank, _)| (*part, *rank));
    let mut stages: Vec<(Part, Stage)> = Vec::new();
    for (part, _, step) in steps {
        match stages.last_mut() {
            Some((last, stage)) if *last == part => stage.steps.push(step),
            _ => stages.push((part, Stage { name: part.name(), steps: vec![step] })),
        }
    }
    stages.into_iter().map(|(_, stage)| stage).collect()
}
