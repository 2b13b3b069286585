//! The options of a request, from its query or its body, with the server's checks of them.

mod delete;
mod list;
mod write;

use lockstep_core::Value;
use schema::{At, FieldError};

use crate::failure::{Failure, GroupResource};
use crate::request::Request;

pub(crate) use delete::{DeleteOptions, Propagation};
pub(crate) use list::{ListOptions, Match};
pub(crate) use write::{FieldValidation, WriteKind, WriteOptions};

const META_GROUP: &str = "meta.k8s.io";

fn check_dry_run(errors: &mut Vec<FieldError>, values: &[&str]) {
    if values.iter().any(|value| *value != "All") {
        let list = Value::list(values.iter().map(|value| Value::from(*value)).collect());
        errors.push(FieldError::not_supported(&At::ROOT.field("dryRun"), list, &["All"]));
    }
}

fn refuse(kind: &str, errors: &[FieldError]) -> Result<(), Failure> {
    match errors.is_empty() {
        true => Ok(()),
        false => Err(Failure::invalid(&GroupResource::new(META_GROUP, kind), "", errors)),
    }
}

fn values<'r>(request: &'r Request, name: &'static str) -> impl Iterator<Item = &'r str> {
    request.query.iter().filter(move |(key, _)| key == name).map(|(_, value)| &**value)
}

/// A boolean as the server reads it in a query: everything is true but `false` and `0`.
fn flag(request: &Request, name: &str) -> Option<bool> {
    request.parameter(name).map(|value| !matches!(&*value.to_ascii_lowercase(), "false" | "0"))
}

fn number(request: &Request, name: &str) -> Result<Option<i64>, Failure> {
    let Some(text) = request.parameter(name) else { return Ok(None) };
    match text.parse() {
        Ok(number) => Ok(Some(number)),
        Err(_) => {
            let quoted = crate::failure::quoted(text);
            Err(Failure::bad_request(format!("strconv.ParseInt: parsing {quoted}: invalid syntax")))
        }
    }
}

/// A version that a client names; empty is none.
pub(crate) fn parse_version(text: &str) -> Result<u64, String> {
    match text {
        "" => Ok(0),
        text => text.parse().map_err(|_| {
            let quoted = crate::failure::quoted(text);
            let value = format!("resourceVersion: Invalid value: {quoted}");
            format!("{value}: strconv.ParseUint: parsing {quoted}: invalid syntax")
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Method;

    fn request(query: &[(&str, &str)]) -> Request {
        query
            .iter()
            .fold(Request::system(Method::Get, "/"), |request, (name, value)| request.with(name, *value))
    }

    #[track_caller]
    fn refuse_write(kind: WriteKind, query: &[(&str, &str)], message: &str) {
        assert_eq!(WriteOptions::read(&request(query), kind).unwrap_err().message(), message);
    }

    /// The texts are recorded from a real server.
    #[test]
    fn write_options_are_checked() {
        refuse_write(
            WriteKind::Create,
            &[("dryRun", "x")],
            r#"CreateOptions.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["x"]: supported values: "All""#,
        );
        refuse_write(
            WriteKind::Create,
            &[("fieldValidation", "x"), ("fieldManager", &"a".repeat(129))],
            r#"CreateOptions.meta.k8s.io "" is invalid: [fieldManager: Too long: may not be more than 128 bytes, fieldValidation: Unsupported value: "x": supported values: "", "Ignore", "Strict", "Warn"]"#,
        );
        refuse_write(
            WriteKind::Apply,
            &[],
            r#"PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch"#,
        );
    }

    #[test]
    fn the_manager_is_named_by_the_agent() {
        let request = Request::system(Method::Post, "/").agent("kubectl/v1.37 (linux)");
        assert_eq!(WriteOptions::read(&request, WriteKind::Create).unwrap().field_manager, "kubectl");
    }

    #[test]
    fn list_options_are_checked() {
        let error = |query: &[(&str, &str)], watch| {
            let failure = ListOptions::read(&request(query), watch).unwrap_err();
            (failure.code(), failure.message().to_owned())
        };
        let invalid = |text: &str| (422, format!("ListOptions.meta.k8s.io \"\" is invalid: {text}"));
        assert_eq!(
            error(&[("resourceVersionMatch", "Exact")], false),
            invalid(
                "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"
            )
        );
        assert_eq!(
            error(&[("sendInitialEvents", "true")], true),
            invalid(
                "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
            )
        );
        assert_eq!(error(&[("limit", "x")], false).1, "strconv.ParseInt: parsing \"x\": invalid syntax");
    }

    #[test]
    fn delete_options_come_from_body_or_query() {
        let body = lockstep_core::from_json(br#"{"preconditions":{"uid":"u"},"propagationPolicy":"Orphan"}"#)
            .unwrap();
        let options = DeleteOptions::read(&request(&[("gracePeriodSeconds", "5")]), Some(&body)).unwrap();
        assert_eq!((options.grace, options.uid.as_deref()), (None, Some("u")));
        assert_eq!(options.propagation, Some(Propagation::Orphan));
        let options =
            DeleteOptions::read(&request(&[("gracePeriodSeconds", "5"), ("dryRun", "All")]), None).unwrap();
        assert_eq!((options.grace, options.dry_run), (Some(5), true));
    }
}
