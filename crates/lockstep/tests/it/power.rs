//! The embedded cluster as a process that may be killed at any time.
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use xtask::{Embedded, Rest, text};

fn map(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "default"}, "data": {"k": name}})
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_while_it_writes_it_loses_nothing_that_it_has_answered() {
    let binary = Path::new(env!("CARGO_BIN_EXE_lockstep"));
    let dir = tempfile::tempdir().expect("dir");
    let mut cluster = Embedded::start(binary, &dir.path().join("cluster")).expect("cluster");
    let mut answered: Vec<Value> = Vec::new();
    for round in 0..3 {
        let rest = Rest::from_kubeconfig(&cluster.kubeconfig()).await.expect("kubeconfig");
        let writers: Vec<_> = (0..4)
            .map(|writer| {
                let rest = rest.clone();
                tokio::spawn(async move {
                    let mut made = Vec::new();
                    // Until the server is gone.
                    while let Ok(object) =
                        rest.create(&map(&format!("m-{round}-{writer}-{}", made.len()))).await
                    {
                        made.push(object);
                    }
                    made
                })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(400)).await;
        cluster.kill9().expect("end");
        for writer in writers {
            answered.extend(writer.await.expect("writer"));
        }
        cluster.restart(binary).expect("restart");
        let rest = Rest::from_kubeconfig(&cluster.kubeconfig()).await.expect("kubeconfig");
        let (kept, _) = rest.list("/api/v1/namespaces/default/configmaps").await.expect("list");
        assert!(answered.len() > 4 * round, "{} were answered", answered.len());
        for object in &answered {
            let name = text(object, "/metadata/name");
            let found = kept.iter().find(|kept| text(kept, "/metadata/name") == name);
            let version = |object: &Value| text(object, "/metadata/resourceVersion").to_owned();
            assert_eq!(found.map(version), Some(version(object)), "{name}");
        }
    }
}
