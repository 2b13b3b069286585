//! `lockstep trace`

use std::fmt::Write as _;
use std::sync::Arc;

use anyhow::Context;
use api::Status;
use cluster::{ApiError, Catalog, Connection, Discovery, Resource};
use controller::InspectError;
use lockstep_core::{
    ApiVersion, Commit, Gvk, LiveObject, OWNER_ANNOTATION, ObjectKey, Owner, RepoUrl, Value,
};

use crate::applications::Place;
use crate::commit::{self, told};
use crate::connect::block_on;
use crate::exit::Exit;
use crate::hint::advised;
use crate::installation::Installation;
use crate::output::{self, Output, mapping, text};
use crate::paint::Paint;
use crate::reference::{Reference, resource};
use crate::rehearsed;
use crate::terminal::Terminal;

/// Owners of owners are followed so far: references may form a circle.
const LONGEST_CHAIN: usize = 16;

/// Say where a live object comes from: its owners, the Application that applied it, the source, the commit and its author.
#[derive(Debug, clap::Args)]
pub(crate) struct Trace {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    installation: Installation,
    /// KIND/NAME; KIND as kubectl takes it: any case, plural, short name, with or without its group.
    object: String,
    /// How to print.
    #[arg(short, long, value_enum, default_value_t)]
    output: Output,
}

/// Where an object comes from.
struct Trail {
    /// The object, then its owners, the one that was applied last.
    chain: Vec<LiveObject>,
    /// Who applied it.
    applied: Option<Applied>,
}

struct Applied {
    owner: Owner,
    /// The Application, where it is there.
    application: Option<Value>,
    /// The commit that last changed it, as far as that is known.
    commit: Option<Commit>,
    /// The id alone, where nothing more is known.
    revision: Option<lockstep_core::CommitId>,
    /// Why not more is known.
    note: Option<String>,
}

impl Trace {
    pub(crate) fn run(self, terminal: &mut Terminal) -> anyhow::Result<Exit> {
        block_on(self.tell(terminal))
    }

    async fn tell(self, terminal: &mut Terminal) -> anyhow::Result<Exit> {
        let reference = Reference::parse(&self.object)?;
        let Some(kind) = reference.kind else {
            let what = format!("'{}' does not say of which kind it is", self.object);
            return Err(advised(what, "write KIND/NAME, for example deploy/web"));
        };
        let here = self.place.open().await?;
        let connection = &here.connection;
        let discovery =
            Discovery::load(connection).await.context("cannot ask the API server what it serves")?;
        let catalog = discovery.catalog();
        let resource = resource(&catalog, kind)?;
        let first = look(connection, &resource, &here.namespace, reference.name).await?;
        let chain = ascend(connection, &catalog, first).await?;
        let owner = chain.last().and_then(owner_of);
        let applied = match owner {
            Some(owner) => Some(self.applied(connection, owner).await?),
            None => None,
        };
        let trail = Trail { chain, applied };
        let name = trail.applied.as_ref().map(|applied| applied.owner.app.to_string()).unwrap_or_default();
        if !output::value(terminal, self.output, &machine(&trail), &name)? {
            terminal.out.write_all(describe(&trail, terminal.paint).as_bytes())?;
        }
        Ok(if trail.applied.is_some() { Exit::Success } else { Exit::No })
    }

    async fn applied(&self, connection: &Connection, owner: Owner) -> anyhow::Result<Applied> {
        let application = match controller::read_application(connection, &owner.app).await {
            Ok(application) => application,
            Err(InspectError::NoApplication(_) | InspectError::NotInstalled) => {
                let note = Some("the Application is not there any more".to_owned());
                return Ok(Applied { owner, application: None, commit: None, revision: None, note });
            }
            Err(error) => return Err(error.into()),
        };
        let status = Status::read(&application);
        let installation = Installation { instance: owner.instance.clone(), ..self.installation.clone() };
        let (revision, note, commit) = match installation.inspector(connection).await {
            Ok(inspector) => {
                let record = inspector.record(&owner.app);
                let id = record.objects.get(&owner.object).map(|recorded| recorded.commit.clone());
                let ids = id.iter().cloned().collect();
                let mut found = inspector.look_up(&application, &status, ids).await;
                let commit = id.as_ref().and_then(|id| found.remove(id));
                (id, None, commit)
            }
            // Without the record: what is live as a whole.
            Err(error) => (
                status.sync.revisions.first().cloned(),
                Some(format!("{error}; the commit is that of the Application, not of the object")),
                last_synced(&status),
            ),
        };
        Ok(Applied { owner, application: Some(application), commit, revision, note })
    }
}

/// The newest commit that the Application was synced to.
fn last_synced(status: &Status) -> Option<Commit> {
    let entry = status.history.first()?;
    let (author, subject) = (entry.author.clone(), entry.subject.clone());
    Some(Commit { id: entry.revision.clone(), author, subject, time: entry.at })
}

async fn look(
    connection: &Connection,
    resource: &Arc<Resource>,
    namespace: &str,
    name: &str,
) -> anyhow::Result<LiveObject> {
    let Gvk { api, kind } = &resource.gvk;
    let namespace = if resource.namespaced() { namespace } else { "" };
    let key = ObjectKey::new(&api.group, kind, namespace, name);
    let found = match connection.get(resource, &key).await {
        Ok(found) => found,
        Err(ApiError::NotFound | ApiError::NamespaceMissing) => {
            let hint = match resource.namespaced() {
                true => "-n chooses the namespace of the object",
                false => "kubectl get shows what there is",
            };
            return Err(advised(format!("there is no {}", rehearsed::name(&key)), hint));
        }
        Err(error) => {
            return Err(anyhow::Error::new(error).context(format!("cannot read {}", rehearsed::name(&key))));
        }
    };
    found.live(&resource.gvk).context("the API server's answer is not an object")
}

/// An object and its owners, up to the first that names an Application.
async fn ascend(
    connection: &Connection,
    catalog: &Catalog,
    first: LiveObject,
) -> anyhow::Result<Vec<LiveObject>> {
    let mut chain = vec![first];
    while let Some(last) = chain.last()
        && owner_of(last).is_none()
        && chain.len() < LONGEST_CHAIN
        && let Some((gvk, name)) = parent(last)
        && let Some(resource) = catalog.resource(&gvk).served()
    {
        let Ok(next) = look(connection, &resource, &last.key.namespace, &name).await else { break };
        chain.push(next);
    }
    Ok(chain)
}

fn owner_of(live: &LiveObject) -> Option<Owner> {
    Owner::of(&live.key, live.annotation(OWNER_ANNOTATION)?)
}

/// The managing owner, else the first one.
fn parent(live: &LiveObject) -> Option<(Gvk, String)> {
    let owners = live.value.at(&["metadata", "ownerReferences"]).and_then(Value::as_list)?;
    let manages = |owner: &&Value| owner.get("controller").and_then(Value::as_bool) == Some(true);
    let owner = owners.iter().find(manages).or(owners.first())?;
    let api = ApiVersion::parse(owner.str_at(&["apiVersion"])?)?;
    let gvk = Gvk { api, kind: owner.str_at(&["kind"])?.into() };
    Some((gvk, owner.str_at(&["name"])?.to_owned()))
}

/// The source that an Application's objects come from, as far as it names one.
fn source(application: &Value) -> (String, String, String) {
    let sources = application.at(&["spec", "sources"]).and_then(Value::as_list).unwrap_or_default();
    let git = |key| {
        let text = sources.first().and_then(|source| source.str_at(&["git", key]));
        text.unwrap_or_default().to_owned()
    };
    // Without user information: it may be a password.
    (RepoUrl::new(&git("url")).to_string(), git("path"), git("revision"))
}

fn describe(trail: &Trail, paint: Paint) -> String {
    let mut out = String::new();
    let mut line = |label: &str, text: &str| {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "{label:<13}{text}");
    };
    for (index, live) in trail.chain.iter().enumerate() {
        let name = rehearsed::name(&live.key);
        match index {
            0 => line("Object", &paint.bold(name)),
            _ => line("Owned by", &name),
        }
    }
    let Some(applied) = &trail.applied else {
        let mut managers: Vec<Arc<str>> = trail
            .chain
            .last()
            .map(|live| live.managed_entries().into_iter().map(|entry| entry.manager).collect())
            .unwrap_or_default();
        managers.sort();
        managers.dedup();
        line("Applied by", &format!("no Application; written by {}", managers.join(", ")));
        return out;
    };
    line("Applied by", &format!("Application {} ({})", applied.owner.app, applied.owner.instance));
    if let Some(application) = &applied.application {
        let (url, path, revision) = source(application);
        let path = if path.is_empty() { ".".to_owned() } else { path };
        let revision = if revision.is_empty() { "the default branch".to_owned() } else { revision };
        line("Source", &format!("{url}, path {path}, revision {revision}"));
    }
    match (&applied.commit, &applied.revision) {
        (Some(commit), _) => {
            line("Commit", &format!("{} {}", commit.id, commit.subject));
            line("Author", &commit.author);
            line("Date", &commit.time.to_string());
        }
        (None, Some(id)) => line("Commit", &told(id, None)),
        (None, None) => {}
    }
    if let Some(note) = &applied.note {
        line("Note", note);
    }
    out
}

fn machine(trail: &Trail) -> Value {
    let chain = trail.chain.iter().map(|live| Value::string(live.key.to_reference())).collect();
    let applied = trail.applied.as_ref();
    let git = applied.and_then(|applied| applied.application.as_ref()).map(|application| {
        let (url, path, revision) = source(application);
        mapping([("url", text(url)), ("path", text(path)), ("revision", text(revision))])
    });
    let commit = applied.and_then(|applied| {
        let id = applied.commit.as_ref().map(|commit| &commit.id).or(applied.revision.as_ref())?;
        Some(commit::machine(id, applied.commit.as_ref()))
    });
    mapping([
        ("objects", Some(Value::list(chain))),
        ("application", applied.and_then(|applied| text(&applied.owner.app))),
        ("instance", applied.and_then(|applied| text(&applied.owner.instance))),
        ("source", git),
        ("commit", commit),
        ("note", applied.and_then(|applied| applied.note.as_deref().map(Value::from))),
    ])
}

#[cfg(test)]
mod tests {
    use lockstep_core::{AppKey, CommitId, Timestamp, from_json};

    use super::*;

    fn live(kind: &str, name: &str, text: &str) -> LiveObject {
        LiveObject {
            key: ObjectKey::new("apps", kind, "shop", name),
            gvk: Gvk::new("apps", "v1", kind),
            uid: "u".into(),
            resource_version: "1".into(),
            generation: 1,
            deleting_since: None,
            value: from_json(text.as_bytes()).unwrap(),
        }
    }

    #[test]
    fn a_trail_leads_from_the_object_to_the_author() {
        let chain = vec![live("ReplicaSet", "web-1", "{}"), live("Deployment", "web", "{}")];
        let application =
            r#"{"spec":{"sources":[{"git":{"url":"https://h/x","path":"apps","revision":"main"}}]}}"#;
        let id = CommitId::parse(&"ab".repeat(20)).unwrap();
        let commit = Commit { id, author: "Ada".into(), subject: "Say hello".into(), time: Timestamp(0) };
        let owner = Owner::new("lockstep", &AppKey::new("team", "shop"), &chain[1].key);
        let applied = Applied {
            owner,
            application: Some(from_json(application.as_bytes()).unwrap()),
            commit: Some(commit),
            revision: None,
            note: None,
        };
        let trail = Trail { chain, applied: Some(applied) };
        let expected = "\
Object       ReplicaSet/web-1 in shop
Owned by     Deployment/web in shop
Applied by   Application team/shop (lockstep)
Source       https://h/x, path apps, revision main
Commit       abababababababababababababababababababab Say hello
Author       Ada
Date         1970-01-01T00:00:00Z
";
        assert_eq!(describe(&trail, Paint::Plain), expected);
        assert_eq!(machine(&trail).str_at(&["commit", "subject"]), Some("Say hello"));
    }

    #[test]
    fn what_nobody_applied_names_its_writers() {
        let text = r#"{"metadata":{"managedFields":[{"manager":"kubectl","operation":"Update","apiVersion":"apps/v1","fieldsV1":{}}]}}"#;
        let trail = Trail { chain: vec![live("Deployment", "web", text)], applied: None };
        let text = describe(&trail, Paint::Plain);
        assert!(text.ends_with("Applied by   no Application; written by kubectl\n"), "{text}");
    }

    #[test]
    fn the_managing_owner_comes_first() {
        let owners = r#"{"metadata":{"ownerReferences":[
            {"apiVersion":"v1","kind":"Node","name":"n","uid":"1"},
            {"apiVersion":"apps/v1","kind":"ReplicaSet","name":"r","uid":"2","controller":true}]}}"#;
        let found = parent(&live("Pod", "p", owners)).unwrap();
        assert_eq!(found, (Gvk::new("apps", "v1", "ReplicaSet"), "r".to_owned()));
        assert_eq!(parent(&live("Pod", "p", "{}")), None);
    }
}
