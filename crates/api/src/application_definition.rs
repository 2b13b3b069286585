//! The CustomResourceDefinition of Application: every field of the model, also those that this binary refuses, so that the
//! server keeps what the user wrote and the finding can name it.

use lockstep_core::Value;

use crate::definition::{Column, Definition, Width};
use crate::schema::Schema;

/// The CustomResourceDefinition of Application.
pub fn application_definition() -> Value {
    Definition {
        kind: "Application",
        plural: "applications",
        short: &["lapp", "lapps"],
        scope: "Namespaced",
        columns: columns(),
        about: "An Application is the unit of delivery: sources, rendered, to a destination, with a sync policy.",
        spec: spec(),
        status: crate::status_schema::status(),
    }
    .into_value()
}

fn columns() -> Vec<Column> {
    let column = |name, path, width| Column { name, kind: "string", path, width };
    vec![
        column("Sync", ".status.sync.state", Width::Normal),
        column("Health", ".status.health.state", Width::Normal),
        column("Revision", ".status.sync.revision", Width::Normal),
        Column { kind: "date", ..column("Age", ".metadata.creationTimestamp", Width::Normal) },
        column("Ready", ".status.conditions[?(@.type==\"Ready\")].status", Width::Wide),
        column("Message", ".status.conditions[?(@.type==\"Ready\")].message", Width::Wide),
    ]
}

fn spec() -> Schema {
    Schema::fields(vec![
        ("project", Schema::text().min_length(1).max_length(253).default("default").about("The Project that it belongs to.")),
        ("suspend", Schema::flag().default(false).about("Nothing is written or deleted while this is set. The sources are still read, so that nobody deletes what moved here.")),
        ("sources", Schema::list(source(), 32).min_items(1).about("Where the desired state comes from. Of an object that two sources name, the later one's stands, with a finding.")),
        ("destination", destination().default_empty()),
        ("sync", sync().default_empty()),
        ("ignore", Schema::list(ignore(), 256).about("Fields left to others, in diff and in apply alike.")),
        ("health", health()),
        ("dependsOn", Schema::list(dependency(), 64).about("What must be ready before this Application is synced. It is deleted before what it depends on.")),
        ("deletion", Schema::choice(&["Prune", "Orphan"]).default("Prune").about("What becomes of its objects when the Application is deleted.")),
        ("history", Schema::integer(0, 100).default(10).about("How many entries status.history keeps.")),
    ])
    .required(&["sources"])
    .about("What is wanted.")
}

fn source() -> Schema {
    Schema::fields(vec![
        ("name", Schema::text().max_length(63).about("A name by which other sources can read its files, as $name/values.yaml.")),
        ("git", git()),
        ("oci", Schema::fields(vec![
            ("url", Schema::text().about("oci://registry/repository.")),
            ("revision", Schema::text().about("A tag, a digest or a semver range.")),
            ("path", path()),
        ]).about("An OCI artifact.")),
        ("helm", helm()),
        ("bucket", Schema::free().about("An object storage bucket.")),
        ("verify", Schema::fields(vec![
            ("signatures", Schema::text().about("required: an unsigned revision is refused.")),
            ("keys", Schema::list(Schema::text(), 64).about("Keys that are trusted: GPG, SSH, sigstore.")),
        ]).open().about("Which signatures a revision must carry.")),
        ("kustomize", Schema::free().about("Render with Kustomize.")),
        ("jsonnet", Schema::free().about("Render with Jsonnet.")),
        ("directory", directory()),
        ("plugin", Schema::free().about("Render with a plugin.")),
    ])
    .rule(
        "[has(self.git), has(self.oci), has(self.bucket), has(self.helm) && has(self.helm.repository)].filter(x, x).size() == 1",
        "exactly one of git, oci, bucket and helm.repository must be set",
    )
    .rule(
        "[has(self.kustomize), has(self.helm), has(self.jsonnet), has(self.directory), has(self.plugin)].filter(x, x).size() <= 1",
        "at most one of kustomize, helm, jsonnet, directory and plugin may be set",
    )
}

fn path() -> Schema {
    Schema::text()
        .max_length(1024)
        .default(".")
        .rule("!self.startsWith('/')", "must be relative to the root of the source")
        .rule("!self.split('/').exists(part, part == '..')", "must not leave the source with '..'")
        .about("The directory inside the source.")
}

fn git() -> Schema {
    Schema::fields(vec![
        ("url", Schema::text().min_length(1).max_length(2048).about("The repository, over http, https or file. Credentials come from a Secret labelled lockstep.dev/type: repository.")),
        ("revision", Schema::text().max_length(512).about("What to follow, looked up in this order: refs/…, branch, tag, full SHA, semver range over tags, short SHA. Without it, the default branch.")),
        ("path", path()),
    ])
    .required(&["url"])
    .about("A Git repository.")
}

fn helm() -> Schema {
    Schema::fields(vec![
        ("repository", Schema::text().about("As a source: the chart repository.")),
        ("chart", Schema::text().about("As a source: the chart's name.")),
        ("version", Schema::text().about("As a source: a version or a semver range.")),
        ("releaseName", Schema::text().about("Without it, the Application's name.")),
        ("values", Schema::free().about("Values over those of the files.")),
        ("valueFiles", Schema::list(Schema::text(), 256).about("Files of values; the last wins.")),
        ("parameters", Schema::list(Schema::free(), 1024).about("Single values over everything else.")),
    ])
    .open()
    .about("With repository: a chart of a Helm repository. Without: render the chart that the source holds.")
}

fn directory() -> Schema {
    let globs = |about| Schema::list(Schema::text().max_length(512).min_length(1), 64).about(about);
    Schema::fields(vec![
        ("recurse", Schema::flag().default(false).about("Look into subdirectories too.")),
        ("include", globs("Only files whose path inside the directory matches one of these globs; * also matches a slash.")),
        ("exclude", globs("Files whose path inside the directory matches one of these globs are left out.")),
    ])
    .about("Plain files that end in yaml, yml or json, whatever else the directory holds.")
}

fn destination() -> Schema {
    Schema::fields(vec![
        (
            "cluster",
            Schema::text()
                .min_length(1)
                .max_length(253)
                .default("in-cluster")
                .about("in-cluster: the API server that the controller itself uses."),
        ),
        ("namespace", Schema::namespace().about("Filled into namespaced objects that name none.")),
    ])
    .about("Where it goes.")
}

fn sync() -> Schema {
    Schema::fields(vec![
        ("mode", Schema::choice(&["Automatic", "Manual", "Notify"]).default("Manual").about("Automatic: at once. Manual: when a user asks. Notify: write no object, tell of differences in the status.")),
        ("prune", Schema::flag().default(false).about("Objects that left the source are deleted.")),
        ("selfHeal", Schema::flag().about("Drift is written over. Without it: with mode Automatic.")),
        ("allowEmpty", Schema::flag().default(false).about("A render without objects may delete everything.")),
        ("createNamespace", Schema::flag().default(false).about("The destination namespace is made where it is missing. It stays when the Application goes.")),
        ("namespaceMetadata", Schema::fields(vec![
            ("labels", Schema::words(64).about("Its labels.")),
            ("annotations", Schema::words(64).about("Its annotations.")),
        ]).about("What the namespace that is made says of itself; kept so, also where the namespace was there before. It needs createNamespace.")),
        ("replace", Schema::flag().default(false).about("With each change from the source, everything that it does not name goes from the object, whoever set it. An object says otherwise by lockstep.dev/sync.")),
        ("force", Schema::flag().default(false).about("Objects are deleted and made again where a change is forbidden to what is there. Each counts for the deletion budget; Namespaces, CustomResourceDefinitions, PersistentVolumes and their claims are never made again.")),
        ("deletionBudget", Schema::count_or_percent().about("How many deletions one plan may make without an approval, as a count or a percentage of the objects, rounded down. Without it: the larger of half and 10.")),
        ("propagation", Schema::choice(&["Background", "Foreground", "Orphan"]).default("Background").about("How the dependents of a deleted object are treated.")),
        ("retry", Schema::fields(vec![
            ("limit", Schema::integer(-1, 1000).about("How many times in a row; 5 without it, -1 for without end.")),
            ("backoff", Schema::fields(vec![
                ("duration", Schema::duration().about("The first pause; 5s without it.")),
                ("factor", Schema::integer(1, 100).about("Each pause is this many times the one before; 2 without it.")),
                ("maxDuration", Schema::duration().about("No pause is longer; 3m without it.")),
            ]).about("The pauses between attempts.")),
        ]).about("How failed steps are tried again.")),
        ("timeout", Schema::duration().about("How long one sync may take.")),
        ("pin", Schema::fields(vec![
            ("revision", Schema::text().max_length(64).about("The commit.")),
            ("until", Schema::time().about("When the pin ends.")),
            ("reason", Schema::text().about("Why.")),
        ]).about("A rollback that automation does not undo.")),
    ])
    .rule("!has(self.namespaceMetadata) || self.createNamespace", "namespaceMetadata needs createNamespace: true")
    .about("When and how it is synced.")
}

fn ignore() -> Schema {
    Schema::fields(vec![
        ("group", Schema::text().about("The API group.")),
        ("kind", Schema::text().about("The kind.")),
        ("namespace", Schema::text().about("The namespace.")),
        ("name", Schema::text().about("A name or a glob.")),
        ("jsonPointers", Schema::list(Schema::text(), 256).about("Fields by JSON pointer.")),
        ("jq", Schema::list(Schema::text(), 256).about("Fields by jq path expression.")),
        ("managers", Schema::list(Schema::text(), 256).about("All fields of these managers.")),
    ])
}

fn health() -> Schema {
    let check = Schema::fields(vec![
        ("group", Schema::text().about("The API group.")),
        ("kind", Schema::text().about("The kind.")),
        ("cel", Schema::text().about("A rule in CEL.")),
        ("lua", Schema::text().max_length(65_536).about("A rule in Lua.")),
    ]);
    Schema::fields(vec![
        ("checks", Schema::list(check, 256).about("Rules of health for kinds.")),
        ("ignore", Schema::list(Schema::free(), 256).about("Objects whose health does not count.")),
    ])
    .about("How health is told.")
}

fn dependency() -> Schema {
    Schema::fields(vec![
        ("apiVersion", Schema::text().max_length(317).about("Its API version; need not be said of an Application.")),
        ("kind", Schema::text().min_length(1).max_length(63).about("Its kind. An Application is ready when it is Synced and Healthy at its current revision, any other object when it is healthy.")),
        ("namespace", Schema::text().max_length(63).about("Its namespace; the Application's own without it.")),
        ("name", Schema::text().min_length(1).max_length(253).about("Its name.")),
        ("ready", Schema::text().about("A CEL expression that says whether it is ready, instead of its health: self.status.phase == 'Up'.")),
    ])
    .required(&["kind", "name"])
    .rule("has(self.apiVersion) || self.kind == 'Application'", "apiVersion must be set, unless the kind is Application")
}
