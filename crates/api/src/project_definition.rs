//! The CustomResourceDefinition of Project, and the Project that every cluster has.

use lockstep_core::{Map, Value};

use crate::definition::{Column, Definition, Width};
use crate::schema::Schema;
use crate::{API_VERSION, DEFAULT_PROJECT};

/// The CustomResourceDefinition of Project.
pub fn project_definition() -> Value {
    Definition {
        kind: "Project",
        plural: "projects",
        short: &["lproj", "lprojs"],
        scope: "Cluster",
        columns: vec![
            Column { name: "Description", kind: "string", path: ".spec.description", width: Width::Wide },
            Column { name: "Age", kind: "date", path: ".metadata.creationTimestamp", width: Width::Normal },
        ],
        about: "A Project is the tenancy boundary: which sources, destinations, kinds, roles, windows and identities an Application may use. Without limits it allows everything; a limit that this version does not enforce yet blocks its Applications.",
        spec: spec(),
        status: Schema::free().about("Nothing yet."),
    }
    .into_value()
}

/// The Project `default`, which allows everything; made at start where it is missing.
pub fn default_project() -> Value {
    let mut project = Value::map(Map::new());
    project.set(&["apiVersion"], API_VERSION.into());
    project.set(&["kind"], "Project".into());
    project.set(&["metadata", "name"], DEFAULT_PROJECT.into());
    project.set(&["spec", "description"], "Allows everything.".into());
    project
}

fn spec() -> Schema {
    let globs = |about| Schema::list(Schema::text(), 1024).about(about);
    let kinds = |about| {
        let kind =
            vec![("group", Schema::text().about("A glob.")), ("kind", Schema::text().about("A glob."))];
        Schema::list(Schema::fields(kind), 1024).about(about)
    };
    let place = vec![
        ("cluster", Schema::text().about("A glob over clusters.")),
        ("namespace", Schema::text().about("A glob over namespaces.")),
    ];
    let role = vec![
        ("name", Schema::text().about("Its name.")),
        ("description", Schema::text().about("What it is for.")),
        ("groups", Schema::list(Schema::text(), 256).about("Who has it.")),
        ("policies", Schema::list(Schema::text(), 256).about("What it allows.")),
    ];
    Schema::fields(vec![
        ("description", Schema::text().about("What it is for.")),
        ("sources", globs("Repositories, by globs; ! excludes.")),
        ("destinations", Schema::list(Schema::fields(place), 1024).about("Clusters and namespaces.")),
        (
            "kinds",
            Schema::fields(vec![("allow", kinds("Kinds allowed.")), ("deny", kinds("Kinds denied."))])
                .about("Which kinds."),
        ),
        ("roles", Schema::list(Schema::fields(role).open(), 256).about("Who may do what.")),
        ("windows", Schema::list(window(), 256).about("When syncs are allowed or denied.")),
        ("identities", Schema::list(identity(), 256).about("Whom to impersonate at a destination.")),
        ("orphans", Schema::free().about("What to say of objects that nobody owns.")),
        ("signatures", Schema::free().about("Which signatures revisions must carry.")),
    ])
    .about("What its Applications may do.")
}

fn window() -> Schema {
    Schema::fields(vec![
        ("kind", Schema::choice(&["Allow", "Deny"]).about("Whether syncs are allowed or denied in it.")),
        ("schedule", Schema::text().about("When it opens, as cron writes it.")),
        ("duration", Schema::duration().about("How long it stays open.")),
        ("timeZone", Schema::text().about("The time zone of the schedule.")),
    ])
    .open()
}

fn identity() -> Schema {
    Schema::fields(vec![
        ("cluster", Schema::text().about("A glob over clusters.")),
        ("namespace", Schema::text().about("A glob over namespaces.")),
        ("serviceAccount", Schema::text().about("<namespace>/<name>.")),
    ])
    .open()
}
