//! What a real API server says about the shape of its kinds, recorded for the schema room.
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Map, Value};
use zlib_rs::{DeflateConfig, ReturnCode, compress_bound, compress_slice};

use crate::Rest;
use crate::kubeone::{Audit, Kubeone, Lifetime, Options};
use crate::rest::text;
use crate::workspace::Workspace;

/// Prints the Go types of the kinds.
const TYPES: &str = "./wire";
/// With how many bodies a kind, and from which seed.
const CASES: [&str; 3] = ["./wirecases", "8", "1"];
/// The same in protocol buffers.
const MESSAGES: [&str; 4] = ["./wirecases", "5", "2", "protobuf"];
/// What no merge, patch or default looks at. The whole documents have it.
const FOR_READERS: &[&str] = &["description", "externalDocs", "x-kubernetes-unions"];
const KINDS: &str = "x-kubernetes-group-version-kind";

/// Records from the control plane of a kubeconfig, or from one of its own, what `crates/schema/data` holds and what the tests
/// of that crate compare with.
///
/// # Errors
/// When there is no Go toolchain, the control plane has custom resources, or something cannot be read or written.
pub(crate) fn record(workspace: &Workspace, kubeconfig: Option<&Path>) -> Result<()> {
    let documents = match kubeconfig {
        Some(kubeconfig) => documents(kubeconfig)?,
        None => {
            let dir = tempfile::tempdir()?;
            let options = Options { lifetime: Lifetime::WithParent, audit: Audit::Off };
            let kubeone = Kubeone::start(workspace, dir.path(), options)?;
            documents(&kubeone.kubeconfig())?
        }
    };
    let (index, packed) = pack(&documents)?;
    let write = |name: &str, bytes: &[u8]| {
        let path = workspace.path(name);
        fs::write(&path, bytes).with_context(|| path.display().to_string())
    };
    write("crates/schema/data/openapi.tsv", index.as_bytes())?;
    write("crates/schema/data/openapi.bin", &packed)?;
    write("crates/schema/data/definitions.tsv", definitions(&documents)?.as_bytes())?;
    write("crates/schema/data/wire.tsv", &answer(workspace, &[TYPES])?)?;
    write("tests/conformance/schema/wire-random.tsv", &answer(workspace, &CASES)?)?;
    write("tests/conformance/schema/protobuf.tsv", &answer(workspace, &MESSAGES)?)
}

/// A document as it is served.
struct Document {
    /// Below `/openapi/`.
    path: String,
    hash: String,
    text: String,
}

/// Every document, in the order of paths.
fn documents(kubeconfig: &Path) -> Result<Vec<Document>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let rest = Rest::from_kubeconfig(kubeconfig).await?;
        let crds = rest.get("/apis/apiextensions.k8s.io/v1/customresourcedefinitions").await?;
        let none = crds.get("items").and_then(Value::as_array).is_some_and(Vec::is_empty);
        ensure!(none, "the control plane has custom resources: record from a fresh one");
        let text_v2 = rest.text("/openapi/v2").await?;
        let mut documents = vec![Document { path: "v2".into(), hash: sha512(&text_v2), text: text_v2 }];
        let index = rest.get("/openapi/v3").await?;
        for (path, entry) in index.get("paths").and_then(Value::as_object).context("paths of /openapi/v3")? {
            let url = text(entry, "/serverRelativeURL");
            let (_, hash) = url.split_once("?hash=").with_context(|| format!("{url}: no hash"))?;
            let text = rest.text(url).await?;
            documents.push(Document { path: format!("v3/{path}"), hash: hash.into(), text });
        }
        documents.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(documents)
    })
}

/// The entity tag of a document, as the API server makes it.
fn sha512(text: &str) -> String {
    use sha2::Digest as _;
    let digest = sha2::Sha512::digest(text.as_bytes());
    digest.iter().fold(String::new(), |mut hash, byte| {
        let _ = write!(hash, "{byte:02X}");
        hash
    })
}

/// The documents, each packed by itself, one behind the other; and the lines that say where each is.
fn pack(documents: &[Document]) -> Result<(String, Vec<u8>)> {
    let (mut index, mut packed) = (String::new(), Vec::new());
    for Document { path, hash, text } in documents {
        let mut room = vec![0; compress_bound(text.len())];
        let config = DeflateConfig::new(9);
        let (bytes, code) = compress_slice(&mut room, text.as_bytes(), config);
        ensure!(code == ReturnCode::Ok, "{path}: {code:?}");
        writeln!(index, "{path}\t{hash}\t{}\t{}\t{}", packed.len(), bytes.len(), text.len())?;
        packed.extend_from_slice(bytes);
    }
    Ok((index, packed))
}

/// The definitions of all groups of version 3, a line each: name, kinds, JSON.
fn definitions(documents: &[Document]) -> Result<String> {
    let mut all: BTreeMap<String, Value> = BTreeMap::new();
    let mut kinds: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for document in documents.iter().filter(|document| document.path.starts_with("v3/")) {
        let parsed: Value = serde_json::from_str(&document.text)?;
        let Some(schemas) = parsed.pointer("/components/schemas").and_then(Value::as_object) else {
            continue;
        };
        for (name, schema) in schemas {
            let mut bare = bare(schema);
            // The options of requests name the kinds of the group whose document they are in.
            let described = bare.as_object_mut().and_then(|schema| schema.remove(KINDS));
            kinds.entry(name.clone()).or_default().extend(described.iter().flat_map(kinds_of));
            if let Some(before) = all.insert(name.clone(), bare.clone())
                && before != bare
            {
                bail!("{name} differs from group to group");
            }
        }
    }
    let line = |(name, schema): (&String, &Value)| {
        let kinds = kinds.get(name).map(|kinds| kinds.iter().cloned().collect::<Vec<_>>().join(","));
        format!("{name}\t{}\t{schema}\n", kinds.unwrap_or_default())
    };
    Ok(all.iter().map(line).collect())
}

fn kinds_of(described: &Value) -> Vec<String> {
    let kind =
        |kind: &Value| format!("{}/{}/{}", text(kind, "/group"), text(kind, "/version"), text(kind, "/kind"));
    described.as_array().into_iter().flatten().map(kind).collect()
}

/// A schema without what is there for readers only.
fn bare(schema: &Value) -> Value {
    let member = |(key, value): (&String, &Value)| {
        let value = match (&**key, value) {
            (key, _) if FOR_READERS.contains(&key) => return None,
            // Its keys are names of fields, which may be called like anything.
            ("properties", Value::Object(properties)) => {
                Value::Object(properties.iter().map(|(name, value)| (name.clone(), bare(value))).collect())
            }
            _ => bare(value),
        };
        Some((key.clone(), value))
    };
    match schema {
        Value::Object(members) => Value::Object(members.iter().filter_map(member).collect::<Map<_, _>>()),
        Value::Array(items) => Value::Array(items.iter().map(bare).collect()),
        other => other.clone(),
    }
}

/// What a program in the control plane's module prints, which so is of the same release.
fn answer(workspace: &Workspace, program: &[&str]) -> Result<Vec<u8>> {
    let output = Command::new("go")
        .args(["run", "-mod=readonly", "-trimpath"])
        .args(program)
        .current_dir(workspace.path("tests/kubeone"))
        .env("CGO_ENABLED", "0")
        .env("GOTOOLCHAIN", "local")
        .stderr(Stdio::inherit())
        .output()
        .context("go: the types of the kinds need a Go toolchain")?;
    ensure!(output.status.success(), "go run {program:?}: {}", output.status);
    Ok(output.stdout)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn document(path: &str, schemas: Value) -> Document {
        let text = json!({"components": {"schemas": schemas}}).to_string();
        Document { path: path.into(), hash: "H".into(), text }
    }

    #[test]
    fn definitions_are_bare_and_name_the_kinds_of_every_group() {
        let options =
            |group: &str| json!({"type": "object", KINDS: [{"group": group, "version": "v1", "kind": "O"}]});
        let one = json!({"o": options("a"), "s": {"description": "d", "properties": {"description": {"type": "string", "description": "d"}}}});
        let text = definitions(&[
            document("v2", json!({"ignored": {}})),
            document("v3/a", one),
            document("v3/b", json!({"o": options("b")})),
        ]);
        assert_eq!(
            text.expect("definitions"),
            "o\ta/v1/O,b/v1/O\t{\"type\":\"object\"}\ns\t\t{\"properties\":{\"description\":{\"type\":\"string\"}}}\n"
        );
        let differing =
            [document("v3/a", json!({"o": {}})), document("v3/b", json!({"o": {"type": "object"}}))];
        assert!(definitions(&differing).is_err());
    }

    #[test]
    fn packed_documents_stand_one_behind_the_other() {
        let documents = [document("v2", json!({})), document("v3/a", json!({"a": {}}))];
        let (index, packed) = pack(&documents).expect("pack");
        let lines: Vec<Vec<&str>> = index.lines().map(|line| line.split('\t').collect()).collect();
        assert_eq!(lines[0][..3], ["v2", "H", "0"]);
        assert_eq!(lines[1][2], lines[0][3], "starts where the one before ends");
        let end: usize = lines[1][2..4].iter().map(|number| number.parse::<usize>().expect("number")).sum();
        assert_eq!(end, packed.len());
    }

    #[test]
    fn hashes_are_as_the_server_prints_them() {
        assert!(sha512("").starts_with("CF83E1357EEFB8BD"));
    }
}
