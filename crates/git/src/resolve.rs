//! From a revision's name to a commit's id, in the order that model and manual promise.

use std::collections::BTreeSet;

use gix::ObjectId;
use gostd::semver::Version;

use crate::RevisionError;
use crate::refs::{Ref, Refs};
use crate::spec::RevisionSpec;

/// Names offered when nothing is found.
const NEAR: usize = 3;

/// What a revision names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// The tip of a reference.
    Tip(Ref),
    /// A full id that may or may not be a tip.
    Id(ObjectId),
    /// The beginning of an id.
    Short(String),
}

/// Resolves a revision. `refs` must hold at least what [`RevisionSpec::prefixes`] asks for.
pub(crate) fn resolve(refs: &Refs, spec: &RevisionSpec) -> Result<Target, RevisionError> {
    let text = spec.as_str();
    let tip = |name: &str| refs.get(name).cloned().map(Target::Tip);
    let found = if spec.is_head() {
        return tip("HEAD").ok_or(RevisionError::Empty);
    } else if text.starts_with("refs/") {
        tip(text)
    } else {
        tip(&format!("refs/heads/{text}"))
            .or_else(|| tip(&format!("refs/tags/{text}")))
            .or_else(|| spec.full_id().map(Target::Id))
            .or_else(|| newest(refs, spec).cloned().map(Target::Tip))
            .or_else(|| spec.short_id().map(Target::Short))
    };
    found.ok_or_else(|| RevisionError::NotFound { spec: spec.clone(), near: Vec::new() })
}

/// The tag with the greatest version in a range. Of `v1.0.0` and `1.0.0` the first by name wins, on every run.
fn newest<'a>(refs: &'a Refs, spec: &RevisionSpec) -> Option<&'a Ref> {
    let range = spec.range()?;
    let versions = refs.tags().filter_map(|(name, tag)| Some((Version::parse(name).ok()?, tag)));
    let matching = versions.filter(|(version, _)| range.matches(version));
    matching.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, tag)| tag)
}

/// The one commit among the candidates that a short id names.
pub(crate) fn pick_short(
    spec: &RevisionSpec,
    candidates: &BTreeSet<ObjectId>,
) -> Result<ObjectId, RevisionError> {
    let mut ids = candidates.iter();
    match (ids.next(), ids.next()) {
        (Some(id), None) => Ok(*id),
        (None, _) => Err(RevisionError::ShortNotFound { spec: spec.clone() }),
        _ => Err(RevisionError::Ambiguous {
            spec: spec.clone(),
            candidates: candidates.iter().take(NEAR).map(ToString::to_string).collect(),
        }),
    }
}

/// Branches and tags whose names are few changes away from what was asked for.
pub(crate) fn near(refs: &Refs, spec: &RevisionSpec) -> Vec<String> {
    let wanted = spec.as_str();
    let short = |name: &'_ str| {
        name.strip_prefix("refs/heads/").or_else(|| name.strip_prefix("refs/tags/")).map(str::to_owned)
    };
    let mut names: Vec<(usize, String)> = refs
        .iter()
        .filter_map(|r| short(&r.name))
        .filter_map(|name| Some((distance(wanted, &name)?, name)))
        .collect();
    names.sort();
    names.dedup();
    names.into_iter().take(NEAR).map(|(_, name)| name).collect()
}

/// The number of letters to change, add or drop, if that is about a third of the name at most. Case does not count.
fn distance(a: &str, b: &str) -> Option<usize> {
    let (a, b) = (a.to_lowercase(), b.to_lowercase());
    let bound = match a.chars().count() {
        0..=3 => 1,
        length => (length / 3).max(2),
    };
    if a.len() > 100 || b.len() > 200 {
        return None;
    }
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row.last().copied().filter(|distance| *distance <= bound)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u8) -> ObjectId {
        ObjectId::from_bytes_or_panic(&[n; 20])
    }

    fn refs() -> Refs {
        let names = [
            "HEAD",
            "refs/heads/main",
            "refs/heads/feature/x",
            "refs/heads/1.0.0",
            "refs/tags/1.0.0",
            "refs/tags/v1.1.0",
            "refs/tags/v1.2.0-rc1",
            "refs/tags/v2.0.0",
            "refs/tags/main",
            "refs/tags/release-9",
            "refs/pull/7/head",
            "refs/heads/abcdef12",
            "refs/tags/v1.1.1",
            "refs/tags/1.1.1",
        ];
        let refs = names.iter().enumerate().map(|(n, name)| Ref {
            name: (*name).to_owned(),
            id: id(n as u8),
            peeled: name.ends_with("v2.0.0").then(|| id(200)),
        });
        Refs::new(refs.collect())
    }

    fn check(spec: &str, expected: &str) {
        let found = match resolve(&refs(), &RevisionSpec::new(spec)) {
            Ok(Target::Tip(tip)) => tip.name,
            Ok(Target::Id(id)) => format!("id {id}"),
            Ok(Target::Short(hex)) => format!("short {hex}"),
            Err(error) => error.to_string(),
        };
        assert_eq!(found, expected, "{spec}");
    }

    #[test]
    fn the_order_is_refs_branch_tag_id_range_short_id() {
        check("", "HEAD");
        check("HEAD", "HEAD");
        check("refs/pull/7/head", "refs/pull/7/head");
        check("refs/tags/main", "refs/tags/main");
        check("main", "refs/heads/main");
        check("feature/x", "refs/heads/feature/x");
        check("1.0.0", "refs/heads/1.0.0");
        check("v1.1.0", "refs/tags/v1.1.0");
        check("release-9", "refs/tags/release-9");
        check(&"A".repeat(40), &format!("id {}", "a".repeat(40)));
        check("^1.0", "refs/tags/1.1.1");
        check(">=1.2.0-0 <2", "refs/tags/v1.2.0-rc1");
        check("*", "refs/tags/v2.0.0");
        check("1.1.0", "refs/tags/v1.1.0");
        check("abcdef12", "refs/heads/abcdef12");
        check("ABCDEF1", "short abcdef1");
        check("1234567", "short 1234567");
        check("nothing", "revision nothing not found");
        check("refs/heads/nothing", "revision refs/heads/nothing not found");
        check("^9", "revision ^9 not found");
    }

    #[test]
    fn an_empty_repository_says_so() {
        assert_eq!(resolve(&Refs::default(), &RevisionSpec::new("")), Err(RevisionError::Empty));
    }

    #[test]
    fn near_names_are_offered() {
        let near = |spec: &str| near(&refs(), &RevisionSpec::new(spec));
        assert_eq!(near("mian"), ["main"]);
        assert_eq!(near("mai"), ["main"]);
        assert_eq!(near("Main"), ["main"]);
        assert_eq!(near("v1.1.2"), ["v1.1.0", "v1.1.1", "1.1.1"]);
        assert_eq!(near("feature/y"), ["feature/x"]);
        assert_eq!(near("production"), [""; 0]);
    }

    #[test]
    fn a_short_id_names_one_commit_or_none() {
        let spec = RevisionSpec::new("0101");
        let pick = |ids: &[u8]| pick_short(&spec, &ids.iter().map(|n| id(*n)).collect());
        assert_eq!(pick(&[1]), Ok(id(1)));
        assert!(matches!(pick(&[]), Err(RevisionError::ShortNotFound { .. })));
        assert!(matches!(pick(&[1, 2]), Err(RevisionError::Ambiguous { .. })));
    }
}
