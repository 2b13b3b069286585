//! Application: from the wire to the vocabulary, with everything that is wrong with it.

mod depends;
mod sync;

use std::collections::BTreeSet;
use std::sync::Arc;

use lockstep_core::{
    AppKey, Application, DeletionPolicy, Destination, Directory, Finding, GitSource, RepoUrl, Source, Value,
};

use self::sync::sync;
use crate::fields::{Fields, Locate, Log};
use crate::{API_VERSION, DEFAULT_PROJECT, IN_CLUSTER};

/// Fields of the model that this binary does not act on, below `spec`.
pub(crate) const NOT_BUILT: &[&str] = &[
    "sources[].oci",
    "sources[].helm",
    "sources[].bucket",
    "sources[].verify",
    "sources[].kustomize",
    "sources[].jsonnet",
    "sources[].plugin",
    "sync.pin",
    "ignore",
    "health",
];

/// Reads an Application. There is one exactly if no finding is an error; warnings come with it.
///
/// Fields of the model that this binary does not act on are errors that name the field, and so are fields of no model.
pub fn application(value: &Value) -> (Option<Application>, Vec<Finding>) {
    conclude(value, Log::default())
}

/// The same for a resource that is written in a file: the findings point into it.
pub fn application_in_file(value: &Value, locate: &Locate<'_>) -> (Option<Application>, Vec<Finding>) {
    conclude(value, Log::locating(locate))
}

/// What an Application wants, whatever is wrong with the rest of its spec: only project, sources and destination are read, and it
/// is suspended in any case. `None` where these are refused.
pub fn claimant(value: &Value) -> Option<Application> {
    let mut reduced = Value::default();
    for path in [
        &["apiVersion"][..],
        &["kind"],
        &["metadata"],
        &["spec", "project"],
        &["spec", "sources"],
        &["spec", "destination"],
    ] {
        if let Some(part) = value.at(path) {
            reduced.set(path, part.clone());
        }
    }
    reduced.set(&["spec", "suspend"], true.into());
    application(&reduced).0
}

fn conclude(value: &Value, log: Log<'_>) -> (Option<Application>, Vec<Finding>) {
    let read = read(Fields::root(value, &log));
    log.conclude(read)
}

fn read(mut root: Fields<'_>) -> Option<Application> {
    check_kind(&mut root, "Application");
    root.skip(&["status"]);
    let mut metadata = root.mapping_or_empty("metadata");
    let name = metadata.word("name").unwrap_or_default();
    if name.is_empty() {
        metadata.error("name", "must not be empty");
    }
    let key = AppKey::new(metadata.word("namespace").unwrap_or("default"), name);
    let uid = Arc::from(metadata.text("uid").unwrap_or_default());
    let generation = metadata.integer("generation", 0, i64::MAX).unwrap_or_default();
    let mut spec = root.mapping_or_empty("spec");
    let mut app = Application {
        key,
        uid,
        generation,
        project: spec.word("project").unwrap_or(DEFAULT_PROJECT).into(),
        suspend: spec.flag("suspend").unwrap_or(false),
        sources: sources(&mut spec),
        destination: destination(spec.mapping_or_empty("destination")),
        sync: sync(spec.mapping_or_empty("sync")),
        depends_on: Vec::new(),
        deletion: deletion(&mut spec),
        history: spec.integer("history", 0, 100).and_then(|n| usize::try_from(n).ok()).unwrap_or(10),
    };
    app.depends_on = depends::depends_on(&mut spec, &app.key);
    if app.sync.create_namespace.is_some() && app.destination.namespace.is_none() {
        spec.error("destination", "must name the namespace that sync.createNamespace is for");
    }
    spec.refuse(&["ignore"]);
    refuse_health(&mut spec);
    spec.finish();
    root.finish();
    Some(app)
}

/// A resource of another kind or version has other fields; reading it as one of ours would invent findings.
pub(crate) fn check_kind(root: &mut Fields<'_>, kind: &str) {
    if root.text("apiVersion") != Some(API_VERSION) {
        root.error("apiVersion", format!("must be {API_VERSION}"));
    }
    if root.text("kind") != Some(kind) {
        root.error("kind", format!("must be {kind}"));
    }
}

fn deletion(spec: &mut Fields<'_>) -> DeletionPolicy {
    let words = [("Prune", DeletionPolicy::Prune), ("Orphan", DeletionPolicy::Orphan)];
    spec.choice("deletion", &words).unwrap_or(DeletionPolicy::Prune)
}

fn refuse_health(spec: &mut Fields<'_>) {
    if let Some(mut health) = spec.mapping("health") {
        health.refuse(&["checks", "ignore"]);
        health.finish();
    }
}

fn sources(spec: &mut Fields<'_>) -> Vec<Source> {
    let all = spec.mappings("sources");
    if all.is_empty() && !spec.says("sources") {
        spec.error("sources", "must name at least one source");
    }
    let mut names = BTreeSet::new();
    all.into_iter().map(|fields| source(fields, &mut names)).collect()
}

fn source(mut fields: Fields<'_>, names: &mut BTreeSet<Arc<str>>) -> Source {
    let name: Option<Arc<str>> = fields.word("name").map(Arc::from);
    if let Some(name) = &name
        && !names.insert(name.clone())
    {
        fields.error("name", format!("another source is called {name} too"));
    }
    let elsewhere = ["oci", "bucket", "helm"].into_iter().any(|kind| fields.get(kind).is_some());
    if fields.get("git").is_none() && !elsewhere {
        fields.error("git", "must be set");
    }
    let git = git(fields.mapping_or_empty("git"), elsewhere);
    let directory = directory(&mut fields);
    // An empty mapping asks for a renderer or a source too, so that emptiness is no excuse here.
    for kind in ["oci", "helm", "bucket", "kustomize", "jsonnet", "plugin"] {
        if fields.get(kind).is_some() {
            fields.not_built(kind);
        }
    }
    fields.refuse(&["verify"]);
    fields.finish();
    Source { name, git, directory }
}

fn git(mut fields: Fields<'_>, elsewhere: bool) -> GitSource {
    let url = fields.text("url").unwrap_or_default();
    if !elsewhere || !url.is_empty() {
        check_url(&fields, url);
    }
    let revision = fields.text("revision").unwrap_or_default().trim();
    let path = path(&mut fields);
    fields.finish();
    GitSource { url: RepoUrl::new(url), revision: revision.into(), path }
}

fn check_url(fields: &Fields<'_>, url: &str) {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match &*scheme.to_ascii_lowercase() {
        _ if url.is_empty() => fields.error("url", "must not be empty"),
        "http" | "https" if host.is_empty() => fields.error("url", "must name a host"),
        "http" | "https" | "file" => {}
        "" if !url.contains(':') => fields.error("url", "must be an http, https or file URL"),
        // git@host:path, as ssh takes it.
        "" | "ssh" | "git" | "git+ssh" => {
            fields.error("url", "ssh is not built yet; use http, https or file")
        }
        other => fields.error("url", format!("the scheme {other} is not known; use http, https or file")),
    }
    if url.split('/').any(|part| part == "..") {
        fields.error("url", "must not contain '..'");
    }
    if host.contains('@') {
        fields.error("url", "must not hold user information; put it into a repository Secret");
    }
}

fn path(fields: &mut Fields<'_>) -> Arc<str> {
    let text = fields.text("path").unwrap_or(".");
    if text.starts_with('/') {
        fields.error("path", "must be relative to the root of the repository");
    }
    let parts: Vec<&str> = text.split('/').filter(|part| !part.is_empty() && *part != ".").collect();
    if parts.contains(&"..") {
        fields.error("path", "must not leave the repository with '..'");
    }
    parts.join("/").into()
}

fn directory(source: &mut Fields<'_>) -> Directory {
    let Some(mut fields) = source.mapping("directory") else { return Directory::default() };
    let directory = Directory {
        explicit: true,
        recurse: fields.flag("recurse").unwrap_or(false),
        include: fields.texts("include"),
        exclude: fields.texts("exclude"),
    };
    fields.finish();
    directory
}

fn destination(mut fields: Fields<'_>) -> Destination {
    if fields.word("cluster").is_some_and(|cluster| cluster != IN_CLUSTER) {
        fields.error("cluster", "other clusters than in-cluster are not built yet");
    }
    let namespace = fields.word("namespace");
    if namespace.is_some_and(|name| !is_namespace(name)) {
        fields.error("namespace", "must be a namespace: at most 63 lower-case letters, digits and hyphens");
    }
    fields.finish();
    Destination { namespace: namespace.map(Arc::from) }
}

fn is_namespace(name: &str) -> bool {
    let letters = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    letters && name.len() <= 63 && !name.starts_with('-') && !name.ends_with('-')
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use lockstep_core::{Budget, Propagation, Retry, SyncMode, SyncPolicy, from_json};

    fn read_spec(spec: &str) -> (Option<Application>, Vec<String>) {
        let json = format!(
            r#"{{"apiVersion":"lockstep.dev/v1alpha1","kind":"Application","spec":{spec},
                "metadata":{{"name":"shop","namespace":"team","uid":"u","generation":3}},"status":{{}}}}"#
        );
        let (app, findings) = application(&from_json(json.as_bytes()).unwrap());
        (app, findings.iter().map(ToString::to_string).collect())
    }

    fn accepted(spec: &str) -> Application {
        let (app, findings) = read_spec(spec);
        app.unwrap_or_else(|| panic!("{findings:?}"))
    }

    /// Reads a spec with a good source and these further fields.
    fn refused(fields: &str) -> Vec<String> {
        let (app, findings) =
            read_spec(&format!(r#"{{"sources":[{{"git":{{"url":"https://h/x"}}}}],{fields}}}"#));
        assert!(app.is_none(), "{fields} was accepted: {findings:?}");
        findings
    }

    #[test]
    fn the_least_application_has_the_defaults_of_the_model() {
        let app = accepted(r#"{"sources":[{"git":{"url":"https://h/x"}}]}"#);
        assert_eq!((app.key, &*app.uid, app.generation), (AppKey::new("team", "shop"), "u", 3));
        assert_eq!((&*app.project, app.suspend, app.history), ("default", false, 10));
        assert_eq!(app.deletion, DeletionPolicy::Prune);
        assert_eq!(app.destination.namespace, None);
        let git = GitSource { url: RepoUrl::new("https://h/x"), revision: "".into(), path: "".into() };
        assert_eq!(app.sources, [Source { name: None, git, directory: Directory::default() }]);
        let SyncPolicy { mode, prune, self_heal, allow_empty, budget, propagation, retry, timeout, .. } =
            app.sync;
        assert_eq!((mode, prune, self_heal, allow_empty), (SyncMode::Manual, false, false, false));
        assert_eq!((app.sync.replace, app.sync.force, app.sync.create_namespace), (false, false, None));
        assert!(app.depends_on.is_empty());
        assert_eq!(
            (budget, propagation, retry),
            (Budget::Default, Propagation::Background, Retry::default())
        );
        assert_eq!(timeout, None);
    }

    #[test]
    fn what_it_wants_can_be_told_although_its_policy_is_refused() {
        let wants = |spec: &str| {
            let json = format!(
                r#"{{"apiVersion":"lockstep.dev/v1alpha1","kind":"Application","metadata":{{"name":"a"}},"spec":{spec}}}"#
            );
            claimant(&from_json(json.as_bytes()).unwrap())
        };
        let source =
            |more: &str| format!(r#""sources":[{{"git":{{"url":"https://h/x","path":"p"}}{more}}}]"#);
        let refused = format!(r#"{{{},"dependsOn":[{{}}],"sync":{{"mode":"Never"}}}}"#, source(""));
        let app = wants(&refused).unwrap();
        assert_eq!((&*app.sources[0].git.path, app.suspend), ("p", true));
        for unknown in [&*source(r#","kustomize":{}"#), r#""sources":[{"git":{}}]"#, r#""sync":{}"#] {
            assert!(wants(&format!("{{{unknown}}}")).is_none(), "{unknown}");
        }
    }

    #[test]
    fn every_field_reaches_the_vocabulary() {
        let app = accepted(
            r#"{"project":"p","suspend":true,"deletion":"Orphan","history":2,
                "sources":[{"name":"app","git":{"url":"file:///r","revision":"1.x","path":"./a//b/"},
                            "directory":{"recurse":true,"include":["a"],"exclude":["b"]}}],
                "destination":{"cluster":"in-cluster","namespace":"shop"},
                "sync":{"mode":"Notify","prune":true,"selfHeal":true,"allowEmpty":true,"createNamespace":true,
                        "namespaceMetadata":{"labels":{"team":"shop"}},"replace":true,"force":true,
                        "deletionBudget":"25%","propagation":"Foreground","timeout":"10m",
                        "retry":{"limit":-1,"backoff":{"duration":"1s","factor":3,"maxDuration":"1h30m"}}},
                "ignore":[],"dependsOn":[{"kind":"Application","name":"db"}],"health":{"checks":[]}}"#,
        );
        assert_eq!((&*app.project, app.suspend, app.history), ("p", true, 2));
        assert_eq!(app.destination.namespace.as_deref(), Some("shop"));
        assert_eq!((app.sources[0].name.as_deref(), &*app.sources[0].git.path), (Some("app"), "a/b"));
        let own = |text: &str| vec![text.to_owned()];
        let directory = Directory { explicit: true, recurse: true, include: own("a"), exclude: own("b") };
        assert_eq!(app.sources[0].directory, directory);
        assert_eq!(app.depends_on[0].application(), Some(AppKey::new("team", "db")));
        let labels = app.sync.create_namespace.clone().map(|metadata| metadata.labels);
        assert_eq!(labels, Some(BTreeMap::from([("team".into(), "shop".into())])));
        assert!(app.sync.replace && app.sync.force);
        let SyncPolicy { mode, prune, self_heal, allow_empty, budget, propagation, retry, timeout, .. } =
            app.sync;
        assert_eq!((mode, prune, self_heal, allow_empty), (SyncMode::Notify, true, true, true));
        assert_eq!((budget, propagation), (Budget::Percent(25), Propagation::Foreground));
        let (duration, max_duration) = (Duration::from_secs(1), Duration::from_secs(5400));
        assert_eq!(retry, Retry { limit: None, duration, factor: 3, max_duration });
        assert_eq!(timeout, Some(Duration::from_secs(600)));
    }

    #[test]
    fn every_field_that_is_not_built_is_refused_by_name() {
        let value = |path: &str| match path {
            "ignore" => r#"[{"kind":"x","name":"y"}]"#,
            "health" => r#"{"checks":[{"kind":"x"}]}"#,
            _ => r#"{"x":1}"#,
        };
        for path in NOT_BUILT {
            let (parent, name) = path.rsplit_once('.').unwrap_or(("", path));
            let field = format!("\"{name}\":{}", value(path));
            let good = r#""git":{"url":"https://h/x"}"#;
            let spec = match parent {
                "sources[]" => format!(r#"{{"sources":[{{{good},{field}}}]}}"#),
                "sync" => format!(r#"{{"sources":[{{{good}}}],"sync":{{{field}}}}}"#),
                _ => format!(r#"{{"sources":[{{{good}}}],{field}}}"#),
            };
            let (app, findings) = read_spec(&spec);
            let expected = format!("spec.{}", path.replace("[]", "[0]"));
            assert!(app.is_none() && findings[0].starts_with(&expected), "{path}: {findings:?}");
            assert!(findings[0].contains("not built yet"), "{path}: {findings:?}");
        }
    }

    #[test]
    fn mistakes_are_all_told_at_once_with_their_paths() {
        let (app, findings) = read_spec(
            r#"{"project":1,"sources":[{"git":{"url":"","path":"/x"}},{"name":"a","gti":{}},{"name":"a","git":{"url":"https://h","pth":"x"}}],
                "sync":{"mode":"auto","retry":{"limit":-2,"backoff":{"duration":"5 s"}},"deletionBudget":"101%"},
                "destination":{"cluster":"far","namespace":"A"},"deletion":"Keep","selfHeal":true,"suspendd":true}"#,
        );
        assert!(app.is_none());
        let expected = [
            "spec.project: must be a string, not an integer",
            "spec.sources[0].git.url: must not be empty",
            "spec.sources[0].git.path: must be relative to the root of the repository",
            "spec.sources[1].git: must be set",
            "spec.sources[1].git.url: must not be empty",
            "spec.sources[1].gti: unknown field (did you mean git?)",
            "spec.sources[2].name: another source is called a too",
            "spec.sources[2].git.pth: unknown field (did you mean path?)",
            "spec.destination.cluster: other clusters than in-cluster are not built yet",
            "spec.destination.namespace: must be a namespace: at most 63 lower-case letters, digits and hyphens",
            "spec.sync.mode: must be one of Automatic, Manual, Notify, not 'auto'",
            "spec.sync.deletionBudget: must be a count of at least 0 or a percentage such as 25%",
            "spec.sync.retry.limit: must be between -1 and 1000, not -2",
            "spec.sync.retry.backoff.duration: '5 s' is no duration; write 30s, 5m or 1h30m",
            "spec.deletion: must be one of Prune, Orphan, not 'Keep'",
            "spec.selfHeal: unknown field",
            "spec.suspendd: unknown field (did you mean suspend?)",
        ];
        assert_eq!(findings, expected);
    }

    #[test]
    fn findings_of_a_file_know_the_field_and_whether_its_name_or_its_value_is_wrong() {
        use crate::fields::Part::{Name, Value};
        let json = r#"{"apiVersion":"lockstep.dev/v1alpha1","kind":"Application","metadata":{"name":"a"},
            "spec":{"sources":[{"git":{"url":"ssh://h/x"},"helm":{}},3],"suspendd":true}}"#;
        let asked = std::cell::RefCell::new(Vec::new());
        let locate = |path: &lockstep_core::FieldPath, part| {
            asked.borrow_mut().push((path.to_string(), part));
            lockstep_core::Origin::new("a.yaml", 7, 1)
        };
        let (app, findings) = application_in_file(&from_json(json.as_bytes()).unwrap(), &locate);
        assert!(app.is_none() && findings.iter().all(|finding| finding.origin.is_some()), "{findings:?}");
        let expected = [
            (".spec.sources[1]", Value),
            (".spec.sources[0].git.url", Value),
            (".spec.sources[0].helm", Name),
            (".spec.suspendd", Name),
        ];
        assert_eq!(asked.into_inner(), expected.map(|(path, part)| (path.to_owned(), part)));
    }

    #[test]
    fn urls_are_http_https_or_file() {
        let finding = |url: &str| {
            let (app, findings) = read_spec(&format!(r#"{{"sources":[{{"git":{{"url":"{url}"}}}}]}}"#));
            (
                app.is_some(),
                findings.first().cloned().unwrap_or_default().replace("spec.sources[0].git.url: ", ""),
            )
        };
        let ssh = "ssh is not built yet; use http, https or file";
        for (url, accepted, text) in [
            ("https://h.example/x.git", true, ""),
            ("HTTP://h.example/x", true, ""),
            ("file:///srv/x", true, ""),
            (
                "https://u:hunter2@h/x",
                false,
                "must not hold user information; put it into a repository Secret",
            ),
            ("git@h:x.git", false, ssh),
            ("ssh://git@h/x", false, ssh),
            ("https://", false, "must name a host"),
            ("h/x", false, "must be an http, https or file URL"),
            ("ftp://h/x", false, "the scheme ftp is not known; use http, https or file"),
            ("https://h/a/../b", false, "must not contain '..'"),
        ] {
            assert_eq!(finding(url), (accepted, text.to_owned()), "{url}");
        }
    }

    #[test]
    fn paths_stay_inside() {
        for path in ["..", "a/../b", "a/.."] {
            let (app, findings) =
                read_spec(&format!(r#"{{"sources":[{{"git":{{"url":"https://h/x","path":"{path}"}}}}]}}"#));
            assert!(app.is_none(), "{path} {findings:?}");
        }
        assert!(!refused(r#""sources":[]"#).is_empty());
    }

    #[test]
    fn other_kinds_and_nothing_at_all_are_refused() {
        for json in ["[]", "{}", r#"{"apiVersion":"argoproj.io/v1alpha1","kind":"Application"}"#] {
            let (app, findings) = application(&from_json(json.as_bytes()).unwrap());
            assert!(app.is_none() && findings.iter().any(Finding::is_error), "{json}");
        }
    }
}
