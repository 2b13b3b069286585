//! `lockstep app list`

use api::{ConditionType, Status};
use lockstep_core::{RepoUrl, Timestamp, Value};

use super::{name_of, qualified};
use crate::applications::Place;
use crate::exit::Exit;
use crate::output::{Output, cleaned};
use crate::table::{Table, age};
use crate::terminal::Terminal;

/// Arguments of `lockstep app list`.
#[derive(Debug, clap::Args)]
pub(crate) struct List {
    #[command(flatten)]
    place: Place,
    /// Those of all namespaces.
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// How to print.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

impl List {
    pub(crate) async fn run(self, terminal: &mut Terminal) -> anyhow::Result<Exit> {
        let here = self.place.open().await?;
        let namespace = (!self.all_namespaces).then_some(&*here.namespace);
        let applications = here.list(namespace).await?;
        let text = match self.output {
            Output::Json => manifest::json(&manifest::list(applications.into_iter().map(cleaned).collect())),
            Output::Yaml => {
                manifest::yaml([&manifest::list(applications.into_iter().map(cleaned).collect())])
            }
            Output::Name => {
                applications.iter().map(|application| qualified(name_of(application)) + "\n").collect()
            }
            Output::Table | Output::Wide if applications.is_empty() => {
                match namespace {
                    Some(namespace) => writeln!(terminal.err, "No Applications in namespace {namespace}.")?,
                    None => writeln!(terminal.err, "No Applications.")?,
                }
                return Ok(Exit::Success);
            }
            Output::Table | Output::Wide => {
                let wide = self.output == Output::Wide;
                let now = runtime::Clock::system().now();
                table(&applications, Columns { namespace: self.all_namespaces, wide }, now).to_string()
            }
        };
        terminal.out.write_all(text.as_bytes())?;
        Ok(Exit::Success)
    }
}

#[derive(Clone, Copy)]
struct Columns {
    namespace: bool,
    wide: bool,
}

fn table(applications: &[Value], columns: Columns, now: Timestamp) -> Table {
    let mut headings = vec!["NAME", "SYNC", "HEALTH", "READY", "REVISION", "AGE"];
    if columns.namespace {
        headings.insert(0, "NAMESPACE");
    }
    if columns.wide {
        headings.extend(["SOURCE", "MESSAGE"]);
    }
    let mut table = Table::new(&headings);
    for application in applications {
        table.row(row(application, columns, now));
    }
    table
}

fn row(application: &Value, columns: Columns, now: Timestamp) -> Vec<String> {
    let status = Status::read(application);
    let metadata = |key| application.str_at(&["metadata", key]).unwrap_or_default().to_owned();
    let ready = status.condition(ConditionType::Ready);
    let created = Timestamp::parse(&metadata("creationTimestamp"));
    let revision = status.sync.revisions.first();
    let mut cells = vec![
        metadata("name"),
        status.sync.state.to_string(),
        status.health.as_ref().map_or("Unknown".to_owned(), |health| health.state.to_string()),
        match ready {
            Some(ready) if ready.holds => "True".to_owned(),
            Some(ready) => ready.reason.clone(),
            None => "Unknown".to_owned(),
        },
        revision.map(|revision| revision.short().to_owned()).unwrap_or_default(),
        created.map(|created| age(now.0 - created.0)).unwrap_or_default(),
    ];
    if columns.namespace {
        cells.insert(0, metadata("namespace"));
    }
    if columns.wide {
        cells.push(source_of(application));
        cells.push(ready.map(|ready| ready.message.clone()).unwrap_or_default());
    }
    cells
}

/// The first source, and how many more there are.
pub(super) fn source_of(application: &Value) -> String {
    let sources = application.at(&["spec", "sources"]).and_then(Value::as_list).unwrap_or_default();
    let Some(first) = sources.first() else { return String::new() };
    let git = |key| first.str_at(&["git", key]).unwrap_or_default();
    // Without user information: it may be a password.
    let mut text = RepoUrl::new(git("url")).to_string();
    if !matches!(git("path"), "" | ".") {
        text.push_str(&format!(" {}", git("path")));
    }
    if !git("revision").is_empty() {
        text.push_str(&format!(" @ {}", git("revision")));
    }
    if sources.len() > 1 {
        text.push_str(&format!(" and {} more", sources.len() - 1));
    }
    text
}

#[cfg(test)]
mod tests {
    use lockstep_core::from_json;

    use super::*;

    fn applications() -> Vec<Value> {
        let new = r#"{"metadata":{"name":"new","namespace":"n","creationTimestamp":"2026-11-24T06:50:00Z"},
            "spec":{"sources":[{"git":{"url":"https://h/x"}},{}]}}"#;
        let old = r#"{"metadata":{"name":"shop","namespace":"team","creationTimestamp":"2026-11-20T06:50:00Z"},
            "spec":{"sources":[{"git":{"url":"https://h/shop","path":"apps","revision":"main"}}]},
            "status":{"sync":{"state":"OutOfSync","revision":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
              "health":{"state":"Healthy","since":"2026-11-24T06:50:00Z"},
              "conditions":[{"type":"Ready","status":"False","reason":"OutOfSync","message":"1 object differs",
                "lastTransitionTime":"2026-11-24T06:50:00Z"}]}}"#;
        [new, old].map(|text| from_json(text.as_bytes()).unwrap()).to_vec()
    }

    #[test]
    fn the_table_has_a_row_an_application() {
        let now = Timestamp::parse("2026-11-24T06:50:30Z").unwrap();
        let narrow = table(&applications(), Columns { namespace: false, wide: false }, now).to_string();
        let expected = "\
NAME   SYNC        HEALTH    READY       REVISION   AGE
new    Unknown     Unknown   Unknown                30s
shop   OutOfSync   Healthy   OutOfSync   aaaaaaaa   4d
";
        assert_eq!(narrow, expected);
        let wide = table(&applications(), Columns { namespace: true, wide: true }, now).to_string();
        let expected = "\
NAMESPACE   NAME   SYNC        HEALTH    READY       REVISION   AGE   SOURCE                       MESSAGE
n           new    Unknown     Unknown   Unknown                30s   https://h/x and 1 more
team        shop   OutOfSync   Healthy   OutOfSync   aaaaaaaa   4d    https://h/shop apps @ main   1 object differs
";
        assert_eq!(wide, expected);
    }
}
