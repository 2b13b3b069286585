//! Who wrote what.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use apistore::{Info, Request, User, Verb};
use lockstep_core::{Timestamp, Value, from_json, to_json};
use parking_lot::Mutex;
use sha2::{Digest, Sha256};

use crate::authentication::acting;
use crate::discovery::map;

/// A file that gets one line of JSON for each write that was answered, before the client has the answer: an `Event` of
/// audit.k8s.io/v1 as a real server writes it at level Metadata. Reads are left out.
#[derive(Clone, Debug)]
pub struct AuditLog(Arc<Mutex<File>>);

impl AuditLog {
    /// The log in a file, which is made if there is none and else continued. Only its owner may read it.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path)?;
        Ok(Self(Arc::new(Mutex::new(file))))
    }

    /// Writes down an answered request if it was a write. A log that cannot be written is told to the operator, not to the client.
    pub(crate) fn note(&self, request: &Request, (uri, id): (&http::Uri, &str), code: u16, now: Duration) {
        let Some(info) = Info::of(request).filter(|info| writes(info.verb)) else { return };
        let mut line = to_json(&event(request, &info, (uri, id), (code, now)));
        line.push(b'\n');
        if let Err(error) = self.0.lock().write_all(&line) {
            tracing::warn!(%error, "the audit log cannot be written");
        }
    }
}

fn writes(verb: Verb) -> bool {
    matches!(verb, Verb::Create | Verb::Update | Verb::Patch | Verb::Delete | Verb::DeleteCollection)
}

/// What a request is called in the log, and in the answer's header: what its client calls it, or else a name of its own.
pub(crate) fn id(told: Option<&str>, now: Duration) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    if let Some(told) = told.filter(|told| !told.is_empty() && told.len() <= LONGEST_ID) {
        return told.to_owned();
    }
    let seed = format!("{} {}", now.as_nanos(), NEXT.fetch_add(1, Ordering::Relaxed));
    let hex: String = Sha256::digest(seed).iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}

/// As long as a name that a client gives may be.
const LONGEST_ID: usize = 64;

fn event(
    request: &Request,
    info: &Info,
    (uri, id): (&http::Uri, &str),
    (code, now): (u16, Duration),
) -> Value {
    // HTTP/2 puts the host into it.
    let uri = uri.path_and_query().map_or("", |path| path.as_str());
    let mut event = map([
        ("kind", "Event".into()),
        ("apiVersion", "audit.k8s.io/v1".into()),
        ("level", "Metadata".into()),
        ("auditID", id.into()),
        ("stage", "ResponseComplete".into()),
        ("requestURI", uri.into()),
        ("verb", info.verb.as_str().into()),
        ("user", user(&request.user)),
        ("userAgent", request.agent.as_str().into()),
        ("objectRef", object(request, info)),
        ("responseStatus", map([("metadata", map([])), ("code", Value::Int(code.into()))])),
        ("stageTimestamp", micro_time(now).into()),
    ]);
    if let Some(impersonated) = &request.impersonate {
        event.set(&["impersonatedUser"], user(&acting(impersonated.clone())));
    }
    event
}

/// As `MicroTime` of Kubernetes prints it.
fn micro_time(now: Duration) -> String {
    let seconds =
        i64::try_from(now.as_secs()).map(|seconds| Timestamp(seconds).to_string()).unwrap_or_default();
    format!("{}.{:06}Z", seconds.trim_end_matches('Z'), now.subsec_micros())
}

fn user(user: &User) -> Value {
    let groups = user.groups.iter().map(|group| group.as_str().into()).collect();
    map([("username", user.name.as_str().into()), ("groups", Value::list(groups))])
}

/// What the path names; a create names its object in the body alone.
fn object(request: &Request, info: &Info) -> Value {
    let in_body = || from_json(&request.body).ok()?.str_at(&["metadata", "name"]).map(str::to_owned);
    let name = if info.name.is_empty() { in_body().unwrap_or_default() } else { info.name.clone() };
    let parts = [
        ("resource", &info.resource),
        ("namespace", &info.namespace),
        ("name", &name),
        ("apiGroup", &info.group),
        ("apiVersion", &info.version),
        ("subresource", &info.subresource),
    ];
    let named = parts.into_iter().filter(|(_, part)| !part.is_empty());
    Value::map(named.map(|(key, part)| (key.into(), part.as_str().into())).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use apistore::Method;

    #[test]
    fn a_write_is_a_line_and_a_read_none() {
        let dir = std::env::temp_dir().join(format!("lockstep-audit-{}", std::process::id()));
        let log = AuditLog::open(&dir).unwrap();
        let path = "/apis/apps/v1/namespaces/a/deployments";
        let body = br#"{"metadata":{"name":"b"}}"#.as_slice();
        let create = Request::system(Method::Post, path).body("application/json", body).agent("kubectl/v1");
        let note = |request: &Request, uri: &str| {
            log.note(request, (&uri.parse().unwrap(), "id-1"), 201, Duration::from_micros(7_000_042));
        };
        note(&create, &format!("https://127.0.0.1:6443{path}?dryRun=All"));
        note(&Request::system(Method::Get, path), path);
        let text = std::fs::read(&dir).unwrap();
        std::fs::remove_file(&dir).unwrap();
        let event = from_json(&text).unwrap();
        let check = |path: &[&str], expected: &str| assert_eq!(event.str_at(path), Some(expected));
        check(&["verb"], "create");
        check(&["auditID"], "id-1");
        check(&["objectRef", "name"], "b");
        check(&["objectRef", "namespace"], "a");
        check(&["requestURI"], "/apis/apps/v1/namespaces/a/deployments?dryRun=All");
        check(&["userAgent"], "kubectl/v1");
        check(&["stageTimestamp"], "1970-01-01T00:00:07.000042Z");
        assert_eq!(event.int_at(&["responseStatus", "code"]), Some(201));
    }

    #[test]
    fn requests_have_names_of_their_own_or_of_their_clients() {
        let now = Duration::from_secs(1);
        assert_eq!(id(Some("mine"), now), "mine");
        let (one, other) = (id(None, now), id(Some(""), now));
        assert_ne!(one, other);
        assert_eq!(one.split('-').map(str::len).collect::<Vec<_>>(), [8, 4, 4, 4, 12]);
    }
}
