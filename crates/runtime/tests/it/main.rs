//! The admin endpoint over HTTP.
#![allow(clippy::unwrap_used)] // helpers of tests may fail as the tests themselves do

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use lockstep_core::RepoUrl;
use lockstep_runtime::{Admin, AdminError, AdminListener, Metrics, Readiness, Shutdown};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

struct Server {
    address: SocketAddr,
    readiness: Readiness,
    heard: Arc<Mutex<Vec<String>>>,
    shutdown: Shutdown,
    task: tokio::task::JoinHandle<Result<(), AdminError>>,
}

async fn start() -> Server {
    let listener = AdminListener::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let (address, shutdown) = (listener.address(), Shutdown::new());
    let readiness = Readiness::waiting_for("applications");
    let heard = Arc::new(Mutex::new(Vec::new()));
    let list = heard.clone();
    let refresh = move |url: &RepoUrl| list.lock().unwrap().push(url.to_string());
    let admin =
        Admin { metrics: Metrics::new("1"), readiness: readiness.clone(), refresh: Arc::new(refresh) };
    let task = tokio::spawn(listener.serve(admin, shutdown.clone()));
    Server { address, readiness, heard, shutdown, task }
}

/// The status code and the body.
async fn ask(server: &Server, method: &str, path: &str, body: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

#[tokio::test]
async fn health_readiness_and_metrics_are_served() {
    let server = start().await;
    assert_eq!(ask(&server, "GET", "/healthz", "").await, (200, "ok\n".to_owned()));
    assert_eq!(ask(&server, "GET", "/readyz", "").await, (503, "waiting for applications\n".to_owned()));
    server.readiness.wait_for("3 of 5 applications");
    assert_eq!(ask(&server, "GET", "/readyz", "").await.1, "waiting for 3 of 5 applications\n");
    server.readiness.set_ready();
    assert_eq!(ask(&server, "GET", "/readyz", "").await.0, 200);
    let (code, text) = ask(&server, "GET", "/metrics", "").await;
    assert!(code == 200 && text.contains("lockstep_build_info{version=\"1\"} 1"), "{text}");
    assert_eq!(ask(&server, "GET", "/nothing", "").await.0, 404);
}

#[tokio::test]
async fn a_refresh_is_accepted_or_refused_with_a_reason() {
    let server = start().await;
    let large = format!("{{\"url\": \"{}\"}}", "x".repeat(70_000));
    for (body, code, text) in [
        (r#"{"url": "https://user:pw@h.example/x.git"}"#, 202, ""),
        (r#"{"url": "https://unknown.example/", "more": 1}"#, 202, ""),
        ("{", 400, "invalid JSON at line 1 column 1; send {\"url\": \"https://…\"}\n"),
        ("", 400, "invalid JSON at line 1 column 0; send {\"url\": \"https://…\"}\n"),
        ("[]", 400, "the field url is missing; send {\"url\": \"https://…\"}\n"),
        (r#"{"url": 1}"#, 400, "the field url is missing; send {\"url\": \"https://…\"}\n"),
    ] {
        assert_eq!(ask(&server, "POST", "/v1/refresh", body).await, (code, text.to_owned()), "{body}");
    }
    assert_eq!(ask(&server, "GET", "/v1/refresh", "").await.0, 405);
    assert_eq!(ask(&server, "POST", "/v1/refresh", &large).await.0, 413);
    assert_eq!(*server.heard.lock().unwrap(), ["https://h.example/x.git", "https://unknown.example/"]);
}

#[tokio::test]
async fn a_taken_address_is_said_and_a_stop_is_clean() {
    let server = start().await;
    let error = AdminListener::bind(server.address).await.unwrap_err();
    assert_eq!(error.to_string(), format!("cannot listen on {}", server.address));
    server.shutdown.request();
    server.task.await.unwrap().unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
}
