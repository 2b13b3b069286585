//! Which kinds go before which.

use std::collections::HashMap;
use std::sync::LazyLock;

use lockstep_core::ObjectKey;

/// Where the steps of a kind go, in order of applying.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Layer {
    Definitions,
    Foundations,
    Bindings,
    Workloads,
    Others,
    Admission,
}

impl Layer {
    fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "definitions" => Self::Definitions,
            "foundations" => Self::Foundations,
            "bindings" => Self::Bindings,
            "workloads" => Self::Workloads,
            "others" => Self::Others,
            "admission" => Self::Admission,
            _ => return None,
        })
    }

    /// The stage in which its objects are applied.
    pub(crate) fn apply_stage(self) -> &'static str {
        match self {
            Self::Definitions => "definitions",
            Self::Foundations => "foundations",
            Self::Bindings => "bindings",
            Self::Workloads => "workloads",
            Self::Others => "others",
            Self::Admission => "admission",
        }
    }

    /// The stage in which its objects are deleted.
    pub(crate) fn prune_stage(self) -> &'static str {
        match self {
            Self::Definitions => "delete definitions",
            Self::Foundations => "delete foundations",
            Self::Bindings => "delete bindings",
            Self::Workloads => "delete workloads",
            Self::Others => "delete others",
            Self::Admission => "delete admission",
        }
    }
}

/// The place of a kind: its layer, then its rank inside.
pub(crate) type Place = (Layer, usize);

/// Kinds without a line are custom resources most of all: after the workloads that may implement them, before admission.
const UNLISTED: Place = (Layer::Others, usize::MAX);
/// Flux's rule: what is called a class configures what is made after it.
const CLASS: Place = (Layer::Foundations, usize::MAX);

static TABLE: LazyLock<HashMap<(&'static str, &'static str), Place>> = LazyLock::new(|| {
    let lines = include_str!("order.tsv").lines().filter(|line| !line.starts_with('#'));
    lines.enumerate().filter_map(|(rank, line)| read_line(rank, line)).collect()
});

fn read_line(rank: usize, line: &'static str) -> Option<((&'static str, &'static str), Place)> {
    let mut columns = line.split('\t');
    let layer = Layer::parse(columns.next()?)?;
    Some(((columns.next()?, columns.next()?), (layer, rank)))
}

/// The place of an object's kind.
pub(crate) fn place(key: &ObjectKey) -> Place {
    match TABLE.get(&(&*key.group, &*key.kind)) {
        Some(place) => *place,
        None if key.kind.ends_with("Class") => CLASS,
        None => UNLISTED,
    }
}

/// Whether deleting objects of this kind always needs an approval, and recreating them is out of the question: it takes others'
/// objects or data along.
pub(crate) fn is_protected(key: &ObjectKey) -> bool {
    match &*key.kind {
        "Namespace" | "PersistentVolume" | "PersistentVolumeClaim" => key.group.is_empty(),
        "CustomResourceDefinition" => &*key.group == "apiextensions.k8s.io",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(group: &str, kind: &str) -> Layer {
        place(&ObjectKey::new(group, kind, "", "x")).0
    }

    #[test]
    fn every_line_of_the_table_is_read() {
        let lines = include_str!("order.tsv").lines().filter(|line| !line.starts_with('#')).count();
        assert_eq!(TABLE.len(), lines);
    }

    #[test]
    fn kinds_go_to_their_layers() {
        assert_eq!(layer("", "Namespace"), Layer::Definitions);
        assert_eq!(layer("", "ConfigMap"), Layer::Foundations);
        assert_eq!(layer("apps", "Deployment"), Layer::Workloads);
        assert_eq!(layer("example.com", "Deployment"), Layer::Others, "the group counts");
        assert_eq!(layer("example.com", "WidgetClass"), Layer::Foundations);
        assert_eq!(layer("example.com", "Widget"), Layer::Others);
        assert_eq!(layer("admissionregistration.k8s.io", "MutatingWebhookConfiguration"), Layer::Admission);
    }

    #[test]
    fn protection_is_for_four_kinds_of_their_own_groups() {
        for (group, kind, protected) in [
            ("", "Namespace", true),
            ("", "PersistentVolumeClaim", true),
            ("", "PersistentVolume", true),
            ("apiextensions.k8s.io", "CustomResourceDefinition", true),
            ("example.com", "Namespace", false),
            ("", "ConfigMap", false),
        ] {
            assert_eq!(is_protected(&ObjectKey::new(group, kind, "", "x")), protected, "{group}/{kind}");
        }
    }
}
