//! The three things to try, done by this program where git or kubectl is missing.

use std::time::{Duration, Instant};

use anyhow::Context;
use cluster::{ApplyOptions, Connection, Limiter, Patch, Resource, ResourceScope, Writer};
use lockstep_core::{Gvk, ObjectKey, from_json};
use runtime::Clock;

use super::NAMESPACE;
use super::folder::Folder;
use super::sample::Sample;
use crate::connect::Connect;
use crate::exit::Exit;
use crate::terminal::Terminal;

/// To how many replicas the Deployment is scaled.
const REPLICAS: i64 = 3;
/// How long the healing is waited for.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often is looked whether it is healed.
const GLANCE: Duration = Duration::from_millis(1);

pub(super) fn edit(folder: &Folder, terminal: &mut Terminal) -> anyhow::Result<Exit> {
    let subject = Sample::existing(&folder.repository())?.edit(Clock::system().now())?;
    writeln!(terminal.out, "Committed “{subject}”; the demo tells when it is live.")?;
    Ok(Exit::Success)
}

pub(super) fn revert(folder: &Folder, terminal: &mut Terminal) -> anyhow::Result<Exit> {
    let subject = Sample::existing(&folder.repository())?.revert(Clock::system().now())?;
    writeln!(terminal.out, "Committed “{subject}”; the demo tells when it is live.")?;
    Ok(Exit::Success)
}

/// Scales the Deployment as `kubectl scale` does, and says how long that lasted.
pub(super) async fn scale(folder: &Folder, terminal: &mut Terminal) -> anyhow::Result<Exit> {
    let kubeconfig = Some(folder.state().kubeconfig());
    let connection = Connect { kubeconfig, context: None }.open().await?;
    let kind = Gvk::new("apps", "v1", "Deployment");
    let deployments = Resource::new(kind, "deployments", ResourceScope::Namespaced);
    let key = ObjectKey::new("apps", "Deployment", NAMESPACE, "web");
    let before = replicas(&connection, &deployments, &key).await?;
    let patch = Patch::Merge(format!(r#"{{"spec":{{"replicas":{REPLICAS}}}}}"#).into());
    let options = ApplyOptions { manager: "lockstep-demo".into(), ..ApplyOptions::default() };
    let writer = Writer::new(&connection, &Limiter::default());
    let begun = Instant::now();
    writer
        .patch(&deployments, &key, "scale", patch, &options)
        .await
        .context("cannot scale the Deployment web")?;
    writeln!(terminal.out, "Scaled the Deployment web from {before} to {REPLICAS}.")?;
    while begun.elapsed() < PATIENCE {
        if replicas(&connection, &deployments, &key).await? == before {
            writeln!(terminal.out, "It has {before} again after {} ms.", begun.elapsed().as_millis())?;
            return Ok(Exit::Success);
        }
        tokio::time::sleep(GLANCE).await;
    }
    writeln!(terminal.out, "It still has {REPLICAS}; the demo may say why.")?;
    Ok(Exit::No)
}

async fn replicas(connection: &Connection, resource: &Resource, key: &ObjectKey) -> anyhow::Result<i64> {
    let object = connection.get(resource, key).await.with_context(|| format!("cannot read {key}"))?;
    let object = from_json(object.bytes()).unwrap_or_default();
    object.int_at(&["spec", "replicas"]).with_context(|| format!("{key} has no replicas"))
}
