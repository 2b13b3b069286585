//! One rule of a role: what it allows, and whether one rule covers another.

use lockstep_core::Value;

use super::{Asked, What};
use crate::failure::quoted;

/// A rule of a Role or ClusterRole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rule {
    pub(crate) verbs: Vec<String>,
    pub(crate) groups: Vec<String>,
    pub(crate) resources: Vec<String>,
    pub(crate) names: Vec<String>,
    pub(crate) paths: Vec<String>,
}

const ALL: &str = "*";

fn has(list: &[String], wanted: &str) -> bool {
    list.iter().any(|item| item == wanted)
}

fn has_or_all(list: &[String], wanted: &str) -> bool {
    list.iter().any(|item| item == wanted || item == ALL)
}

/// Whether a path of a rule, which may end in stars, stands for another.
fn path_covers(pattern: &str, path: &str) -> bool {
    pattern == path || (pattern.ends_with('*') && path.starts_with(pattern.trim_end_matches('*')))
}

impl Rule {
    pub(crate) fn read(value: &Value) -> Self {
        let texts = |key| {
            let items = value.get(key).and_then(Value::as_list).unwrap_or_default().iter();
            items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
        };
        Self {
            verbs: texts("verbs"),
            groups: texts("apiGroups"),
            resources: texts("resources"),
            names: texts("resourceNames"),
            paths: texts("nonResourceURLs"),
        }
    }

    /// The rules of a role.
    pub(crate) fn all(role: &Value) -> Vec<Self> {
        role.get("rules").and_then(Value::as_list).unwrap_or_default().iter().map(Self::read).collect()
    }

    pub(crate) fn allows(&self, verb: &str, what: &What<'_>) -> bool {
        has_or_all(&self.verbs, verb)
            && match what {
                What::Path(path) => self.paths.iter().any(|pattern| path_covers(pattern, path)),
                What::Resource(asked) => self.allows_resource(asked),
            }
    }

    fn allows_resource(&self, asked: &Asked<'_>) -> bool {
        let resource = |rule: &String| match (&**rule, asked.subresource) {
            (ALL, _) => true,
            (rule, "") => rule == asked.resource,
            (rule, subresource) => rule
                .split_once('/')
                .is_some_and(|(main, sub)| sub == subresource && (main == ALL || main == asked.resource)),
        };
        has_or_all(&self.groups, asked.group)
            && self.resources.iter().any(resource)
            && (self.names.is_empty() || has(&self.names, asked.name))
    }

    /// The rule in parts of one verb and one thing each.
    pub(crate) fn parts(&self) -> Vec<Self> {
        let mut parts = Vec::new();
        for group in &self.groups {
            for resource in &self.resources {
                for verb in &self.verbs {
                    let part = Self {
                        verbs: vec![verb.clone()],
                        groups: vec![group.clone()],
                        resources: vec![resource.clone()],
                        ..Self::default()
                    };
                    match self.names.is_empty() {
                        true => parts.push(part),
                        false => parts.extend(
                            self.names.iter().map(|name| Self { names: vec![name.clone()], ..part.clone() }),
                        ),
                    }
                }
            }
        }
        for path in &self.paths {
            let part = |verb: &String| Self {
                verbs: vec![verb.clone()],
                paths: vec![path.clone()],
                ..Self::default()
            };
            parts.extend(self.verbs.iter().map(part));
        }
        parts
    }

    /// Whether who may do this may also do `part`.
    pub(crate) fn covers(&self, part: &Self) -> bool {
        let all =
            |own: &[String], wanted: &[String]| has(own, ALL) || wanted.iter().all(|wanted| has(own, wanted));
        let resource = |wanted: &String| {
            has_or_all(&self.resources, wanted)
                || wanted.split_once('/').is_some_and(|(_, sub)| has(&self.resources, &format!("*/{sub}")))
        };
        let path = |wanted: &String| self.paths.iter().any(|own| path_covers(own, wanted));
        let names = match part.names.is_empty() {
            true => self.names.is_empty(),
            false => self.names.is_empty() || part.names.iter().all(|name| has(&self.names, name)),
        };
        all(&self.verbs, &part.verbs)
            && all(&self.groups, &part.groups)
            && part.resources.iter().all(resource)
            && names
            && part.paths.iter().all(path)
    }

    /// The rule as messages show it.
    pub(crate) fn summary(&self) -> String {
        let parts = [
            ("APIGroups", &self.groups),
            ("Resources", &self.resources),
            ("NonResourceURLs", &self.paths),
            ("ResourceNames", &self.names),
            ("Verbs", &self.verbs),
        ];
        let parts: Vec<String> = parts
            .iter()
            .filter(|(_, list)| !list.is_empty())
            .map(|(name, list)| format!("{name}:{}", quoted_list(list)))
            .collect();
        format!("{{{}}}", parts.join(", "))
    }
}

/// A list as Go's `%q` prints it.
pub(crate) fn quoted_list(list: &[String]) -> String {
    let items: Vec<String> = list.iter().map(|item| quoted(item)).collect();
    format!("[{}]", items.join(" "))
}

/// What `owned` does not cover of `wanted`, in the words of the server: one line each, rules about one resource joined.
pub(crate) fn missing(owned: &[&Rule], wanted: &[Rule]) -> Vec<String> {
    let parts = wanted.iter().flat_map(Rule::parts);
    let mut joined: Vec<Rule> = Vec::new();
    for part in parts.filter(|part| !owned.iter().any(|rule| rule.covers(part))) {
        let same = |known: &&mut Rule| {
            known.paths.is_empty()
                && part.paths.is_empty()
                && (&known.groups, &known.resources, &known.names)
                    == (&part.groups, &part.resources, &part.names)
        };
        match joined.iter_mut().find(same) {
            Some(known) => known.verbs.extend(part.verbs),
            None => joined.push(part),
        }
    }
    let mut lines: Vec<String> = joined.iter().map(Rule::summary).collect();
    lines.sort();
    lines.dedup();
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_core::from_json;

    fn rule(json: &str) -> Rule {
        Rule::read(&from_json(json.as_bytes()).unwrap())
    }

    #[track_caller]
    fn check(rule: &Rule, asked: &str, want: bool) {
        let parts: Vec<&str> = asked.split(' ').collect();
        let (resource, subresource) = parts[2].split_once('/').unwrap_or((parts[2], ""));
        let name = parts.get(3).copied().unwrap_or_default();
        let group = if parts[1] == "-" { "" } else { parts[1] };
        let what = What::Resource(Asked { group, resource, subresource, namespace: "", name });
        assert_eq!(rule.allows(parts[0], &what), want, "{asked}");
    }

    #[test]
    fn rules_allow_what_they_name() {
        let exact = rule(r#"{"verbs":["get"],"apiGroups":[""],"resources":["pods","pods/log"]}"#);
        check(&exact, "get - pods", true);
        check(&exact, "get - pods/log", true);
        check(&exact, "get - pods/exec", false);
        check(&exact, "list - pods", false);
        check(&exact, "get apps pods", false);
        let stars = rule(r#"{"verbs":["*"],"apiGroups":["*"],"resources":["*/scale"]}"#);
        check(&stars, "update apps deployments/scale", true);
        check(&stars, "update apps deployments", false);
        let named = rule(r#"{"verbs":["get"],"apiGroups":[""],"resources":["pods"],"resourceNames":["a"]}"#);
        check(&named, "get - pods a", true);
        check(&named, "get - pods", false);
    }

    #[test]
    fn paths_may_end_in_a_star() {
        let rule = rule(r#"{"verbs":["get"],"nonResourceURLs":["/healthz","/logs/*"]}"#);
        for (path, want) in [("/healthz", true), ("/logs/a", true), ("/logs", false), ("/healthz/x", false)] {
            assert_eq!(rule.allows("get", &What::Path(path)), want, "{path}");
        }
    }

    #[test]
    fn what_is_not_covered_is_told_in_joined_lines() {
        let own = rule(r#"{"verbs":["get"],"apiGroups":[""],"resources":["pods"]}"#);
        let wanted =
            rule(r#"{"verbs":["get","list","watch"],"apiGroups":[""],"resources":["pods","secrets"]}"#);
        assert_eq!(
            missing(&[&own], &[wanted]),
            [
                r#"{APIGroups:[""], Resources:["pods"], Verbs:["list" "watch"]}"#,
                r#"{APIGroups:[""], Resources:["secrets"], Verbs:["get" "list" "watch"]}"#
            ]
        );
    }
}
