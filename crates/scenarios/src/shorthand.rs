//! Manifests in a line: `ConfigMap web x=1`, `Deployment web replicas=2 image=nginx:1`, `Job migrate @hook=PreSync exit=3 after=5s`.
//! `@wave=1` is annotation `lockstep.dev/wave` with this text.

use anyhow::{Result, bail};

/// The manifest that a line stands for.
pub(crate) fn manifest(line: &str) -> Result<String> {
    let mut words = line.split_whitespace();
    let (Some(kind), name) = (words.next(), words.next().unwrap_or_default()) else {
        bail!("a manifest has a kind and a name");
    };
    let pairs: Vec<(&str, &str)> = words.filter_map(|word| word.split_once('=')).collect();
    let value = |key: &str| pairs.iter().find(|(name, _)| *name == key).map(|(_, value)| *value);
    let mut text = match kind {
        "broken" => return Ok("kind: [ConfigMap\nmetadata: {name: broken\n".to_owned()),
        "nothing" => return Ok("# nothing\n".to_owned()),
        "ConfigMap" | "Secret" | "Namespace" | "Service" => {
            format!("apiVersion: v1\nkind: {kind}\nmetadata:\n  name: {name}\n")
        }
        "Job" => {
            let field = if name.ends_with('-') { "generateName" } else { "name" };
            format!("apiVersion: batch/v1\nkind: Job\nmetadata:\n  {field}: {name}\n")
        }
        "Deployment" => format!("apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: {name}\n"),
        other => bail!("no shorthand for {other}: write the manifest in full"),
    };
    if let Some(namespace) = value("namespace") {
        text.push_str(&format!("  namespace: {namespace}\n"));
    }
    annotate(&mut text, &pairs);
    match kind {
        "Job" => job(&mut text, &value),
        "ConfigMap" => data(&mut text, "data", &pairs),
        "Secret" => data(&mut text, "stringData", &pairs),
        "Service" => {
            let port = value("port").unwrap_or("80");
            text.push_str(&format!("spec:\n  selector:\n    app: {name}\n  ports:\n  - port: {port}\n"));
        }
        "Deployment" => deployment(&mut text, name, &value),
        _ => {}
    }
    Ok(text)
}

fn annotate(text: &mut String, pairs: &[(&str, &str)]) {
    let mut ours = pairs.iter().filter_map(|(name, value)| Some((name.strip_prefix('@')?, value))).peekable();
    if ours.peek().is_some() {
        text.push_str("  annotations:\n");
    }
    for (name, value) in ours {
        text.push_str(&format!("    lockstep.dev/{name}: \"{value}\"\n"));
    }
}

fn job<'a>(text: &mut String, value: &impl Fn(&str) -> Option<&'a str>) {
    text.push_str("spec:\n  backoffLimit: 0\n  template:\n    metadata:\n      annotations:\n");
    let (exit, after) = (value("exit").unwrap_or("0"), value("after").unwrap_or("1s"));
    let crash = if exit == "0" { "" } else { "crash" };
    for (name, value) in [("exit-code", exit), ("exit-after", after), (crash, exit), ("crash-after", after)] {
        if !name.is_empty() {
            text.push_str(&format!("        cluster.lockstep.dev/{name}: \"{value}\"\n"));
        }
    }
    let image = value("image").unwrap_or("nginx:1");
    text.push_str("    spec:\n      restartPolicy: Never\n      containers:\n");
    text.push_str(&format!("      - name: main\n        image: {image}\n"));
}

fn data(text: &mut String, field: &str, pairs: &[(&str, &str)]) {
    let is_data = |name: &str| name != "namespace" && !name.starts_with('@');
    let pairs: Vec<_> = pairs.iter().filter(|(name, _)| is_data(name)).collect();
    if !pairs.is_empty() {
        text.push_str(&format!("{field}:\n"));
    }
    for (name, value) in pairs {
        text.push_str(&format!("  {name}: \"{value}\"\n"));
    }
}

fn deployment<'a>(text: &mut String, name: &str, value: &impl Fn(&str) -> Option<&'a str>) {
    text.push_str("spec:\n");
    if let Some(replicas) = value("replicas") {
        text.push_str(&format!("  replicas: {replicas}\n"));
    }
    text.push_str(&format!("  selector:\n    matchLabels:\n      app: {name}\n"));
    text.push_str(&format!("  template:\n    metadata:\n      labels:\n        app: {name}\n"));
    if let Some((annotation, content)) = value("pod").and_then(|pod| pod.split_once(':')) {
        text.push_str(&format!("      annotations:\n        {annotation}: \"{content}\"\n"));
    }
    let image = value("image").unwrap_or("nginx:1");
    text.push_str(&format!("    spec:\n      containers:\n      - name: main\n        image: {image}\n"));
    if value("resources") == Some("{}") {
        text.push_str("        resources: {}\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_manifest() {
        let text = manifest("ConfigMap web x=1").unwrap();
        assert_eq!(text, "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\ndata:\n  x: \"1\"\n");
        assert!(manifest("Deployment web replicas=2 image=a:1").unwrap().contains("  replicas: 2\n"));
        assert!(
            manifest("ConfigMap web @wave=1 x=1")
                .unwrap()
                .contains("    lockstep.dev/wave: \"1\"\ndata:\n  x:")
        );
        let job = manifest("Job migrate- @hook=PreSync exit=3 after=5s").unwrap();
        for part in
            ["  generateName: migrate-\n", "hook: \"PreSync\"", "exit-code: \"3\"", "exit-after: \"5s\""]
        {
            assert!(job.contains(part), "{part}: {job}");
        }
        assert!(manifest("Gadget web").is_err() && manifest("").is_err());
    }
}
