//! Who wrote what, as the API server itself saw it.
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// The log, beside the kubeconfig.
pub(crate) const LOG: &str = "audit.log";

/// Writes the policy and returns the flags of kube-apiserver that turn it on.
pub(super) fn prepare(dir: &Path) -> Result<Vec<String>> {
    let policy = json!({
        "apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"],
        "rules": [
            {"level": "Metadata", "verbs": ["create", "update", "patch", "delete", "deletecollection"]},
            {"level": "None"},
        ],
    });
    let (file, log) = (dir.join("audit-policy.json"), dir.join(LOG));
    fs::write(&file, policy.to_string()).context("audit policy")?;
    Ok(vec![format!("--audit-policy-file={}", file.display()), format!("--audit-log-path={}", log.display())])
}

/// One write that the API server answered, whether it let it through or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Write {
    /// `create`, `update`, `patch`, `delete` or `deletecollection`.
    pub verb: String,
    /// The plural, with its subresource: `deployments`, `applications/status`.
    pub resource: String,
    /// Empty for what has none.
    pub namespace: String,
    /// Empty for a create, unless its body named one.
    pub name: String,
    /// The first word of the client's `User-Agent`, without its version.
    pub agent: String,
    /// The HTTP status.
    pub code: u64,
    /// Whether it was a dry run, which changes nothing.
    pub dry_run: bool,
}

impl Write {
    /// Every write in some namespaces since the control plane of this kubeconfig started, oldest first.
    ///
    /// # Errors
    /// When it keeps no such log.
    pub fn in_namespaces(kubeconfig: &Path, namespaces: &[&str]) -> Result<Vec<Self>> {
        let log = kubeconfig.with_file_name(LOG);
        let text = fs::read_to_string(&log).with_context(|| log.display().to_string())?;
        // A test asks for a hundred lines out of ten thousand: most need not be understood.
        let concerned = |line: &&str| namespaces.iter().any(|namespace| line.contains(namespace));
        // The last line may be half written.
        let events = text.lines().filter(concerned).filter_map(|line| serde_json::from_str(line).ok());
        let writes = events.map(|event| Self::parse(&event));
        Ok(writes.filter(|write| namespaces.contains(&write.namespace.as_str())).collect())
    }

    fn parse(event: &Value) -> Self {
        let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or("").to_owned();
        let resource = match text("/objectRef/subresource") {
            none if none.is_empty() => text("/objectRef/resource"),
            subresource => format!("{}/{subresource}", text("/objectRef/resource")),
        };
        let agent = text("/userAgent").split(['/', ' ']).next().unwrap_or_default().to_owned();
        Self {
            verb: text("/verb"),
            resource,
            namespace: text("/objectRef/namespace"),
            name: text("/objectRef/name"),
            agent,
            code: event.pointer("/responseStatus/code").and_then(Value::as_u64).unwrap_or(0),
            dry_run: text("/requestURI").contains("dryRun="),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_becomes_a_write_and_half_a_line_nothing() {
        let dir = tempfile::tempdir().expect("dir");
        let event = json!({
            "verb": "patch", "userAgent": "lockstep/0.1.0 (linux)", "responseStatus": {"code": 200},
            "requestURI": "/apis/apps/v1/namespaces/ns/deployments/a/status?dryRun=All",
            "objectRef": {"resource": "deployments", "subresource": "status", "namespace": "ns", "name": "a"},
        });
        let mut other = event.clone();
        other["objectRef"]["namespace"] = json!("ns-2");
        fs::write(dir.path().join(LOG), format!("{other}\n{event}\n{{\"verb\": \"pa")).expect("write");
        let writes = Write::in_namespaces(&dir.path().join("admin.kubeconfig"), &["ns"]).expect("log");
        let want = Write {
            verb: "patch".into(),
            resource: "deployments/status".into(),
            namespace: "ns".into(),
            name: "a".into(),
            agent: "lockstep".into(),
            code: 200,
            dry_run: true,
        };
        assert_eq!(writes, [want]);
    }
}
