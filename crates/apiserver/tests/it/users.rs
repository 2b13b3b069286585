//! Who may come, and as whom.

use lockstep_apiserver::{AuditLog, Authority};
use lockstep_core::from_json;

use crate::harness::{serve, serve_with};

const MAPS: &str = "/api/v1/namespaces/default/configmaps";

#[tokio::test]
async fn certificates_of_the_authority_name_their_user_and_others_end_the_handshake() {
    let served = serve().await;
    let reviews = "/apis/authentication.k8s.io/v1/selfsubjectreviews";
    let me = served.ask("POST", reviews).body("application/json", "{}").send().await;
    assert_eq!(me.code, 201, "{}", me.body);
    assert_eq!(me.json().str_at(&["status", "userInfo", "username"]), Some("admin"));
    let eve = served.authority.user("eve", "people").unwrap();
    let forbidden = served.get_as(&eve, MAPS).await.unwrap();
    assert_eq!(
        forbidden.refused(403, "Forbidden"),
        "configmaps is forbidden: User \"eve\" cannot list resource \"configmaps\" in API group \"\" in the namespace \"default\""
    );
    let stranger = Authority::generate().unwrap().user("admin", "system:masters").unwrap();
    assert!(served.get_as(&stranger, MAPS).await.is_err());
}

#[tokio::test]
async fn tokens_name_their_user_and_unknown_ones_nobody() {
    let served = serve().await;
    let with = |token: &str| {
        served.ask("GET", MAPS).nameless().header("authorization", &format!("Bearer {token}")).send()
    };
    assert_eq!(with("t-admin").await.code, 200);
    assert!(with("t-eve").await.refused(403, "Forbidden").contains("User \"eve\""));
    assert_eq!(with("t-other").await.refused(401, "Unauthorized"), "Unauthorized");
    let anonymous = served.ask("GET", MAPS).nameless().send().await;
    assert!(anonymous.refused(403, "Forbidden").contains("User \"system:anonymous\""));
    assert_eq!(served.ask("GET", "/version").nameless().send().await.code, 200);
    assert_eq!(served.ask("GET", "/readyz").nameless().send().await.body, "ok");
    assert_eq!(served.ask("GET", "/metrics").nameless().send().await.code, 403);
}

#[tokio::test]
async fn whose_a_token_of_the_file_is_can_be_asked() {
    let served = serve().await;
    let check = async |token: &str, audiences: &str, user: Option<&str>| {
        let review = format!(r#"{{"spec":{{"token":"{token}","audiences":[{audiences}]}}}}"#);
        let path = "/apis/authentication.k8s.io/v1/tokenreviews";
        let told = served.ask("POST", path).body("application/json", review).send().await.json();
        let status = told.get("status").unwrap();
        assert_eq!(status.str_at(&["user", "username"]), user, "{token} {audiences}");
        let wrong = user.is_none().then_some("invalid bearer token");
        assert_eq!(status.str_at(&["error"]), wrong, "{token} {audiences}");
    };
    check("t-eve", "", Some("eve")).await;
    check("t-eve", r#""a","https://kubernetes.default.svc""#, Some("eve")).await;
    check("t-eve", r#""a""#, None).await;
    check("t-nobody", "", None).await;
}

#[tokio::test]
async fn a_service_account_comes_by_the_token_that_it_was_given() {
    let served = serve().await;
    let accounts = "/api/v1/namespaces/default/serviceaccounts";
    let robot = r#"{"metadata":{"name":"robot"}}"#;
    assert_eq!(served.ask("POST", accounts).body("application/json", robot).send().await.code, 201);
    let path = format!("{accounts}/robot/token");
    let made = served.ask("POST", path).body("application/json", r#"{"spec":{}}"#).send().await;
    assert_eq!(made.code, 201, "{}", made.body);
    let token = made.json().str_at(&["status", "token"]).unwrap().to_owned();
    let asked =
        || served.ask("GET", MAPS).nameless().header("authorization", &format!("Bearer {token}")).send();
    let told = asked().await.refused(403, "Forbidden");
    assert!(told.contains("User \"system:serviceaccount:default:robot\""), "{told}");
    assert_eq!(served.ask("DELETE", format!("{accounts}/robot")).send().await.code, 200);
    asked().await.refused(401, "Unauthorized");
}

#[tokio::test]
async fn who_may_impersonate_is_somebody_else() {
    let served = serve().await;
    let as_eve = served.ask("GET", MAPS).header("impersonate-user", "eve").send().await;
    assert!(as_eve.refused(403, "Forbidden").contains("User \"eve\""));
    let master = served.ask("GET", MAPS).header("impersonate-user", "eve");
    assert_eq!(master.header("impersonate-group", "system:masters").send().await.code, 200);
    let eve = served.ask("GET", MAPS).nameless().header("authorization", "Bearer t-eve");
    let refused = eve.header("impersonate-user", "ann").send().await.refused(403, "Forbidden");
    assert!(
        refused.contains("User \"eve\" cannot impersonate-on:user-info:list resource \"configmaps\""),
        "{refused}"
    );
}

#[tokio::test]
async fn writes_are_written_down_with_who_made_them() {
    let file = std::env::temp_dir().join(format!("lockstep-apiserver-{}.log", std::process::id()));
    let served = serve_with(Some(AuditLog::open(&file).unwrap())).await;
    let map = r#"{"metadata":{"name":"a"}}"#;
    served.get(MAPS).await;
    let made =
        served.ask("POST", MAPS).header("user-agent", "tester/1").body("application/json", map).send().await;
    assert_eq!(made.code, 201);
    served.ask("DELETE", format!("{MAPS}/none")).send().await.refused(404, "NotFound");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let lines: Vec<_> = text.lines().map(|line| from_json(line.as_bytes()).unwrap()).collect();
    let told: Vec<_> = lines
        .iter()
        .map(|line| {
            (
                line.str_at(&["verb"]),
                line.str_at(&["objectRef", "name"]),
                line.int_at(&["responseStatus", "code"]),
            )
        })
        .collect();
    assert_eq!(told, [(Some("create"), Some("a"), Some(201)), (Some("delete"), Some("none"), Some(404))]);
    assert_eq!(lines[0].str_at(&["user", "username"]), Some("admin"));
    assert_eq!(lines[0].str_at(&["userAgent"]), Some("tester/1"));
}

#[tokio::test]
async fn other_schemes_say_nothing_of_who_asks() {
    let served = serve().await;
    let basic = served.ask("GET", MAPS).nameless().header("authorization", "Basic Og==").send().await;
    assert!(basic.refused(403, "Forbidden").contains("User \"system:anonymous\""));
}

#[tokio::test]
async fn who_does_not_speak_tls_is_told_so() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let served = serve().await;
    let mut stream = tokio::net::TcpStream::connect(served.address).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap();
    let mut told = String::new();
    stream.read_to_string(&mut told).await.unwrap();
    assert!(told.starts_with("HTTP/1.0 400 Bad Request\r\n"), "{told}");
    assert!(told.ends_with("Client sent an HTTP request to an HTTPS server.\n"), "{told}");
}

#[tokio::test]
async fn every_answer_names_its_request() {
    let served = serve().await;
    let named = served.ask("GET", MAPS).header("audit-id", "mine").send().await;
    assert_eq!(named.header("audit-id"), Some("mine"));
    let other = served.get("/nope").await;
    assert_eq!(other.header("audit-id").map(str::len), Some(36));
}
