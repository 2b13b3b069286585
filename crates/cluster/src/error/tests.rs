//! Bodies as a kube-apiserver 1.37 writes them.

use super::*;

fn asked(verb: Verb) -> Asked<'static> {
    Asked { verb, secret: false, namespace: Some("shop"), uid_only: false }
}

fn status(code: u16, reason: &str, message: &str, details: &str) -> String {
    let message = serde_json::to_string(message).unwrap();
    format!(
        r#"{{"kind":"Status","apiVersion":"v1","metadata":{{}},"status":"Failure","message":{message},"reason":"{reason}","details":{details},"code":{code}}}"#
    )
}

#[track_caller]
fn check(asked: &Asked<'_>, code: u16, body: &str, expected: &ApiError) {
    assert_eq!(&classify(asked, code, None, body.as_bytes()), expected, "{body}");
}

#[test]
fn a_missing_object_a_missing_namespace_and_a_missing_kind_differ() {
    let get = asked(Verb::Get);
    let object = status(404, "NotFound", "configmaps \"x\" not found", r#"{"name":"x","kind":"configmaps"}"#);
    check(&get, 404, &object, &ApiError::NotFound);
    let namespace =
        status(404, "NotFound", "namespaces \"shop\" not found", r#"{"name":"shop","kind":"namespaces"}"#);
    check(&asked(Verb::Apply), 404, &namespace, &ApiError::NamespaceMissing);
    // The namespace itself was asked for.
    check(&Asked { namespace: None, ..get }, 404, &namespace, &ApiError::NotFound);
    check(&get, 404, "404 page not found\n", &ApiError::NotServed);
    let kind = status(404, "NotFound", "the server could not find the requested resource", "{}");
    check(&get, 404, &kind, &ApiError::NotServed);
}

#[test]
fn conflicts_name_the_owners_of_the_fields() {
    let body = status(
        409,
        "Conflict",
        "Apply failed with 2 conflicts",
        r#"{"causes":[
            {"reason":"FieldManagerConflict","message":"conflict with \"kubectl-patch\" using v1","field":".data.a"},
            {"reason":"FieldManagerConflict","message":"conflict with \"hpa\" with subresource \"scale\" using apps/v1 at 2026-11-24T06:50:00Z","field":".spec.replicas"}]}"#,
    );
    let owner = |manager: &str, field: &str| FieldOwner { manager: manager.into(), field: field.into() };
    let owners = vec![owner("kubectl-patch", ".data.a"), owner("hpa", ".spec.replicas")];
    let expected = ApiError::Conflict { owners, message: "Apply failed with 2 conflicts".into() };
    check(&asked(Verb::Apply), 409, &body, &expected);
}

#[test]
fn other_conflicts_say_what_became_of_the_object() {
    let stale = status(
        409,
        "Conflict",
        "Operation cannot be fulfilled on configmaps \"x\": the object has been modified; please apply your changes to the latest version and try again",
        r#"{"name":"x","kind":"configmaps"}"#,
    );
    check(&asked(Verb::Update), 409, &stale, &ApiError::Stale);
    let uid = status(
        409,
        "Conflict",
        "Operation cannot be fulfilled on ConfigMap \"x\": the UID in the precondition (a) does not match the UID in record (b). The object might have been deleted and then recreated",
        r#"{"name":"x","kind":"ConfigMap"}"#,
    );
    check(&Asked { uid_only: true, ..asked(Verb::Delete) }, 409, &uid, &ApiError::Gone);
    check(&asked(Verb::Delete), 409, &uid, &ApiError::Stale);
    let exists = status(
        409,
        "AlreadyExists",
        "configmaps \"x\" already exists",
        r#"{"name":"x","kind":"configmaps"}"#,
    );
    check(&asked(Verb::Create), 409, &exists, &ApiError::AlreadyExists);
}

#[test]
fn invalid_objects_name_their_fields() {
    let details = r#"{"name":"x","kind":"Service","causes":[{"reason":"FieldValueInvalid","message":"Invalid value: 0: must be between 1 and 65535, inclusive","field":"spec.ports[0].port"}]}"#;
    let body = status(422, "Invalid", "Service \"x\" is invalid: spec.ports[0].port: …", details);
    let ApiError::Invalid { causes, message } = classify(&asked(Verb::Apply), 422, None, body.as_bytes())
    else {
        panic!("not invalid")
    };
    assert_eq!((&*causes[0].reason, &*causes[0].field), ("FieldValueInvalid", "spec.ports[0].port"));
    assert!(message.starts_with("Service") && causes[0].message.starts_with("Invalid value"));
}

#[test]
fn words_about_secrets_are_withheld_and_their_fields_kept() {
    let details = r#"{"causes":[{"reason":"FieldValueInvalid","message":"Invalid value: \"hunter2\"","field":"data[p]"}]}"#;
    for (code, reason) in
        [(422, "Invalid"), (400, "BadRequest"), (500, ""), (403, "Forbidden"), (409, "Conflict")]
    {
        let body = status(code, reason, "illegal base64 data: hunter2", details);
        let error = classify(&Asked { secret: true, ..asked(Verb::Apply) }, code, None, body.as_bytes());
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
        if let ApiError::Invalid { causes, .. } = error {
            assert_eq!(&*causes[0].field, "data[p]");
        }
    }
}

#[test]
fn forbidden_is_not_a_namespace_that_goes() {
    let going = r#"{"name":"x","kind":"configmaps","causes":[{"reason":"NamespaceTerminating","message":"namespace shop is being terminated","field":"metadata.namespace"}]}"#;
    let body = status(403, "Forbidden", "configmaps \"x\" is forbidden: …", going);
    check(&asked(Verb::Apply), 403, &body, &ApiError::NamespaceTerminating);
    let body = status(403, "Forbidden", "denied", r#"{"name":"x","kind":"configmaps"}"#);
    check(&asked(Verb::Apply), 403, &body, &ApiError::Forbidden { message: "denied".into() });
}

#[test]
fn a_500_of_an_apply_is_the_objects_error_and_not_an_outage() {
    let message = "failed to create typed patch object (shop/x; /v1, Kind=ConfigMap): .dat: field not declared in schema";
    let body = status(500, "", message, "{}");
    let expected = ApiError::ServerError { code: 500, reason: "Unknown".into(), message: message.into() };
    check(&asked(Verb::Apply), 500, &body, &expected);
    assert!(!expected.retryable());
    for code in [502, 503, 504] {
        assert!(classify(&asked(Verb::Apply), code, None, b"upstream").retryable(), "{code}");
    }
    // A server that starts up.
    assert!(classify(&asked(Verb::Apply), 500, Some(1), b"").retryable());
}

#[test]
fn pauses_come_from_the_header_or_the_body() {
    let body = status(429, "TooManyRequests", "too many", r#"{"retryAfterSeconds":7}"#);
    let pause = |seconds| ApiError::TooManyRequests { retry_after: Some(Duration::from_secs(seconds)) };
    assert_eq!(classify(&asked(Verb::Get), 429, None, body.as_bytes()), pause(7));
    assert_eq!(classify(&asked(Verb::Get), 429, Some(2), body.as_bytes()), pause(2));
    assert_eq!(classify(&asked(Verb::Get), 429, None, b""), ApiError::TooManyRequests { retry_after: None });
}

#[test]
fn the_rest_is_told_by_its_code() {
    check(&asked(Verb::Get), 401, "", &ApiError::Unauthorized);
    check(&asked(Verb::Get), 405, "", &ApiError::Unsupported);
    check(&asked(Verb::Apply), 415, "", &ApiError::Unsupported);
    check(&asked(Verb::Watch), 410, "", &ApiError::Expired);
    let old = status(410, "Expired", "too old resource version: 1 (2)", "{}");
    assert_eq!(classify_status(&asked(Verb::Watch), old.as_bytes()), ApiError::Expired);
}
