//! What people and their tools do to the cluster.

use anyhow::{Context as _, Result, bail};
use apistore::{Body, Method, Request, Resource, Response};
use lockstep_core::{Value, from_json, to_json};

use crate::command::{How, Target};
use crate::world::World;

/// The path of an object, or of its collection for an empty name.
pub(crate) fn path(world: &World, kind: &str, namespace: &str, name: &str) -> Result<String> {
    let served = world.served();
    let is = |served: &&Resource| served.kind == kind || served.plural == kind || served.singular == kind;
    let served = served.all.iter().find(is).with_context(|| format!("{kind} is not served"))?;
    let base = match &*served.group {
        "" => format!("/api/{}", served.version),
        group => format!("/apis/{group}/{}", served.version),
    };
    let place = if served.namespaced { format!("/namespaces/{namespace}") } else { String::new() };
    let below = if name.is_empty() { String::new() } else { format!("/{name}") };
    Ok(format!("{base}{place}/{}{below}", served.plural))
}

/// Reads an object.
pub(crate) fn get(world: &World, target: &Target) -> Result<Option<Value>> {
    let path = path(world, &target.kind, &target.namespace, &target.name)?;
    let (response, _) = world.handle(&Request::system(Method::Get, path));
    if response.code == 404 {
        return Ok(None);
    }
    object(response).map(Some)
}

/// Reads all objects of a kind.
pub(crate) fn list(world: &World, kind: &str) -> Result<Vec<Value>> {
    let all = path(world, kind, "NAMESPACE", "")?.replace("/namespaces/NAMESPACE", "");
    let (response, _) = world.handle(&Request::system(Method::Get, all));
    let list = object(response)?;
    Ok(list.get("items").and_then(Value::as_list).unwrap_or_default().to_vec())
}

/// Writes manifests.
pub(crate) fn write(world: &World, how: How, manager: &str, text: &str) -> Result<()> {
    let parsed = manifest::read("body.yaml", text.as_bytes(), &manifest::Limits::default());
    if let Some(finding) = parsed.findings.first() {
        bail!("{finding}");
    }
    for object in parsed.objects {
        write_object(world, how, manager, &object.value)?;
    }
    Ok(())
}

/// Writes one object.
pub(crate) fn write_object(world: &World, how: How, manager: &str, value: &Value) -> Result<()> {
    let text = |keys: &[&str]| value.str_at(keys).unwrap_or_default();
    let namespace = value.str_at(&["metadata", "namespace"]).unwrap_or("default");
    let (kind, name) = (text(&["kind"]), text(&["metadata", "name"]));
    let request = match how {
        How::Create => Request::system(Method::Post, path(world, kind, namespace, "")?)
            .body("application/json", to_json(value)),
        How::Apply => Request::system(Method::Patch, path(world, kind, namespace, name)?)
            .with("force", "true")
            .body("application/apply-patch+yaml", to_json(value)),
    };
    let (response, _) = world.handle(&request.with("fieldManager", manager));
    object(response).map(drop)
}

/// Changes an object by a merge patch.
pub(crate) fn patch(
    world: &World,
    target: &Target,
    (manager, subresource): (&str, &str),
    patch: &str,
) -> Result<()> {
    let mut path = path(world, &target.kind, &target.namespace, &target.name)?;
    if !subresource.is_empty() {
        path.push_str(&format!("/{subresource}"));
    }
    let request = Request::system(Method::Patch, path)
        .with("fieldManager", manager)
        .body("application/merge-patch+json", patch.as_bytes());
    let (response, _) = world.handle(&request);
    object(response).map(drop)
}

/// Deletes an object.
pub(crate) fn delete(world: &World, target: &Target, cascade: &str) -> Result<()> {
    let path = path(world, &target.kind, &target.namespace, &target.name)?;
    let request = Request::system(Method::Delete, path).with("propagationPolicy", cascade);
    let (response, _) = world.handle(&request);
    object(response).map(drop)
}

fn object(response: Response) -> Result<Value> {
    let json = match &response.body {
        Body::Watch(_) | Body::Text(_) => bail!("is no object"),
        body => body.json().unwrap_or_default(),
    };
    let value = from_json(&json).unwrap_or_default();
    match response.code {
        200..=299 => Ok(value),
        code => bail!("{code}: {}", value.str_at(&["message"]).unwrap_or_default()),
    }
}
