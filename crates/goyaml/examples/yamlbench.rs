//! Times goyaml on a file of several documents, places included: `yamlbench FILE ITERATIONS` prints the best of the iterations
//! as `ms: N.N`.
//!
//! `yamlbench --generate FILE BYTES` writes a file to measure with: Deployments, ConfigMaps, Services and CRD schemas in the
//! styles in which people and tools write them. tests/oracle/yamlbench is the same program for Go.
#![allow(clippy::print_stdout)] // a program prints its result

use std::error::Error;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lockstep_goyaml::{Limits, Source, decode, parse};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--generate", file, bytes] => Ok(std::fs::write(file, generate(bytes.parse()?))?),
        [file, iterations] => {
            let best = measure(&std::fs::read(file)?, iterations.parse()?)?;
            println!("ms: {:.1}", best.as_secs_f64() * 1000.0);
            Ok(())
        }
        _ => Err("usage: yamlbench FILE ITERATIONS | yamlbench --generate FILE BYTES".into()),
    }
}

fn measure(content: &[u8], iterations: usize) -> Result<Duration, Box<dyn Error>> {
    let mut best = Duration::MAX;
    for _ in 0..iterations {
        let start = Instant::now();
        read_all(content)?;
        best = best.min(start.elapsed());
    }
    Ok(best)
}

/// Reads every document to a value and drops it, as the program in Go does.
fn read_all(content: &[u8]) -> Result<(), Box<dyn Error>> {
    let limits = Limits::default();
    let source = Arc::new(Source::read(content, &limits)?);
    for span in source.documents() {
        if let Some(document) = parse(&source, span, &limits)?.document {
            std::hint::black_box(decode(&document, &limits)?);
        }
    }
    Ok(())
}

fn generate(bytes: usize) -> String {
    let mut text = String::with_capacity(bytes + 4096);
    let mut number = 0;
    while text.len() < bytes {
        if number > 0 {
            text.push_str("---\n");
        }
        // Writing to a String cannot fail.
        let _ = match number % 4 {
            0 => deployment(&mut text, number),
            1 => config_map(&mut text, number),
            2 => service(&mut text, number),
            _ => schema(&mut text, number),
        };
        number += 1;
    }
    text
}

fn head(text: &mut String, api: &str, kind: &str, n: usize) -> std::fmt::Result {
    write!(
        text,
        "apiVersion: {api}\nkind: {kind}\nmetadata:\n  name: app-{n}\n  namespace: team-{}\n  labels:\n    \
         app.kubernetes.io/name: app-{n}\n    app.kubernetes.io/managed-by: Helm\n    helm.sh/chart: \"app-1.{n}.0\"\n",
        n % 17
    )
}

fn deployment(text: &mut String, n: usize) -> std::fmt::Result {
    head(text, "apps/v1", "Deployment", n)?;
    write!(
        text,
        "spec:\n  replicas: {}\n  selector:\n    matchLabels: {{app: app-{n}}}\n  template:\n    metadata:\n      \
         labels:\n        app: app-{n}\n      annotations:\n        prometheus.io/scrape: 'true'\n    spec:\n      \
         containers:\n",
        n % 5
    )?;
    for c in 0..2 {
        write!(
            text,
            "        - name: c{c}\n          image: \"registry.example.com/team/app-{n}:v1.{n}.{c}\"\n          \
             args: [\"--listen=:8080\", \"--level\", info]\n          env:\n            - name: NUMBER\n              \
             value: \"{n}\"\n            - name: PASSWORD\n              valueFrom:\n                secretKeyRef:\n                  \
             name: app-{n}\n                  key: password\n          ports:\n            - containerPort: {}\n              \
             name: http\n              protocol: TCP\n          resources:\n            requests: {{cpu: 100m, memory: 128Mi}}\n            \
             limits:\n              cpu: 0.5\n              memory: 256Mi\n          securityContext:\n            \
             runAsNonRoot: true\n            readOnlyRootFilesystem: yes\n",
            8080 + c
        )?;
    }
    text.push_str("      nodeSelector: {}\n      tolerations: []\n");
    Ok(())
}

fn config_map(text: &mut String, n: usize) -> std::fmt::Result {
    head(text, "v1", "ConfigMap", n)?;
    text.push_str("data:\n  # what the program reads\n  config.ini: |\n");
    for line in 0..12 {
        writeln!(text, "    setting_{line} = value {n} of \"line\" {line}")?;
    }
    write!(
        text,
        "  folded: >-\n    a text that goes on\n    over lines\n\n    and paragraphs\n  plain: words that\n    go on {n}\n"
    )
}

fn service(text: &mut String, n: usize) -> std::fmt::Result {
    head(text, "v1", "Service", n)?;
    write!(
        text,
        "spec:\n  type: ClusterIP\n  ports:\n  - name: http\n    port: 80\n    targetPort: http\n  - name: metrics\n    \
         port: {}\n  selector:\n    app: app-{n}\n",
        9000 + n % 100
    )
}

fn schema(text: &mut String, n: usize) -> std::fmt::Result {
    head(text, "apiextensions.k8s.io/v1", "CustomResourceDefinition", n)?;
    text.push_str(
        "spec:\n  versions:\n  - name: v1\n    schema:\n      openAPIV3Schema:\n        properties:\n",
    );
    for field in 0..10 {
        write!(
            text,
            "          field{field}:\n            description: The field number {field} is described by a sentence that tools\n              \
             wrap at eighty columns, as 'controller-gen' does.\n            format: int32\n            minimum: -{n}\n            \
             type: integer\n            nullable: false\n"
        )?;
    }
    Ok(())
}
