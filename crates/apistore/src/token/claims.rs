//! What a token says, and whether that still holds.

use std::collections::BTreeMap;
use std::time::Duration;

use lockstep_core::{Timestamp, Value, from_json};

use crate::call::Call;
use crate::demand::Demand;
use crate::entry::Entry;
use crate::failure::{Failure, GroupResource, Halt};
use crate::state::State;
use crate::user::User;

/// Who issues tokens, and whom they are for where nobody says.
pub(crate) const ISSUER: &str = "https://kubernetes.default.svc";

/// How much clocks may differ.
const LEEWAY: Duration = Duration::from_secs(60);
/// The claim that is Kubernetes' own.
pub(super) const OWN: &str = "kubernetes.io";

/// Whose a token is and whom it is for (`None` for a token that says nothing of it); or, in words that may be shown, why it is
/// nobody's.
pub(crate) type Bearer = Result<(User, Option<Vec<String>>), String>;

/// Whose a token is.
pub(crate) fn check(state: &State, call: &Call<'_>, token: &[u8]) -> Result<Bearer, Halt> {
    let claims = match call.answer(Demand::Verify(token.into()))? {
        Ok(claims) => from_json(claims).unwrap_or_default(),
        Err(_) => return Ok(Err("invalid bearer token".to_owned())),
    };
    // One that is no ServiceAccount's: who answers the demand knows its user.
    if let Some(user) = claims.get("user") {
        return Ok(Ok((User::of_info(user), None)));
    }
    let why = |why: String| format!("[invalid bearer token, {why}]");
    let audiences = match claims.get("aud") {
        Some(Value::List(list)) => list.iter().filter_map(|name| name.as_str().map(str::to_owned)).collect(),
        Some(Value::String(one)) => vec![one.to_string()],
        _ => Vec::new(),
    };
    Ok(holds(state, &claims, call.now).map(|user| (user, Some(audiences))).map_err(why))
}

/// The user of claims that hold.
fn holds(state: &State, claims: &Value, now: Duration) -> Result<User, String> {
    let time =
        |key| claims.int_at(&[key]).and_then(|seconds| u64::try_from(seconds).ok()).map(Duration::from_secs);
    if time("exp").is_none_or(|expiry| now > expiry + LEEWAY) {
        return Err("service account token has expired".to_owned());
    }
    if time("nbf").is_some_and(|from| now + LEEWAY < from) {
        return Err("service account token is not valid yet".to_owned());
    }
    let own = claims.get(OWN).cloned().unwrap_or_default();
    let text = |path: &[&str]| own.str_at(path).unwrap_or_default();
    let (namespace, account) = (text(&["namespace"]), text(&["serviceaccount", "name"]));
    let found = state.find("/serviceaccounts", namespace, account).ok_or_else(|| {
        Failure::not_found(&GroupResource::new("", "serviceaccounts"), account).message().to_owned()
    })?;
    let claimed = text(&["serviceaccount", "uid"]);
    if *found.uid != *claimed {
        return Err(format!("service account UID ({}) does not match claim ({claimed})", found.uid));
    }
    if is_deleted(found, now) {
        return Err(format!("service account {namespace}/{account} has been deleted"));
    }
    for (key, kind, word) in [("secret", "secret", "secret"), ("pod", "pod", "pod"), ("node", "node", "node")]
    {
        // The node of a pod is only told, not checked.
        let of_pod = key == "node" && own.get("pod").is_some();
        if let Some(bound) = own.get(key).filter(|_| !of_pod) {
            let namespace = if key == "node" { "" } else { namespace };
            check_bound(state, (kind, word, namespace), bound, now)?;
        }
    }
    Ok(user(claims, &own, (namespace, account)))
}

fn check_bound(
    state: &State,
    (kind, word, namespace): (&str, &str, &str),
    bound: &Value,
    now: Duration,
) -> Result<(), String> {
    let invalidated = || "service account token has been invalidated".to_owned();
    let name = bound.str_at(&["name"]).unwrap_or_default();
    let claimed = bound.str_at(&["uid"]).unwrap_or_default();
    let found = state.find(&format!("/{kind}s"), namespace, name).ok_or_else(invalidated)?;
    if *found.uid != *claimed {
        let (what, reference) = match word {
            "secret" => ("secret", "secret"),
            "pod" => ("pod", "pod"),
            _ => ("node", "node"),
        };
        return Err(format!(
            "{what} UID ({}) does not match service account {reference} ref claim ({claimed})",
            found.uid
        ));
    }
    if is_deleted(found, now) { Err(invalidated()) } else { Ok(()) }
}

fn is_deleted(entry: &Entry, now: Duration) -> bool {
    let object = entry.value();
    let deleted = object.str_at(&["metadata", "deletionTimestamp"]).and_then(Timestamp::parse);
    let limit = i64::try_from(now.saturating_sub(LEEWAY).as_secs()).unwrap_or(i64::MAX);
    deleted.is_some_and(|Timestamp(time)| time < limit)
}

fn user(claims: &Value, own: &Value, (namespace, account): (&str, &str)) -> User {
    let mut user = User::service_account(namespace, account);
    own.str_at(&["serviceaccount", "uid"]).unwrap_or_default().clone_into(&mut user.uid);
    let mut extra = BTreeMap::new();
    let mut put = |key: &str, value: Option<String>| {
        if let Some(value) = value.filter(|value| !value.is_empty()) {
            extra.insert(format!("authentication.kubernetes.io/{key}"), vec![value]);
        }
    };
    put("credential-id", claims.str_at(&["jti"]).map(|id| format!("JTI={id}")));
    for key in ["pod", "node"] {
        for part in ["name", "uid"] {
            put(&format!("{key}-{part}"), own.str_at(&[key, part]).map(str::to_owned));
        }
    }
    user.extra = extra;
    user
}
