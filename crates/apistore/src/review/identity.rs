//! Who is it that asks, or whom a token belongs to?

use lockstep_core::{Map, Value};

use super::{list, texts};
use crate::call::Call;
use crate::failure::{Failure, Halt, quoted};
use crate::state::State;
use crate::token;

/// Who asks.
pub(super) fn of_sender(call: &Call<'_>) -> Value {
    let mut answer = Value::default();
    answer.set(&["kind"], "SelfSubjectReview".into());
    answer.set(&["apiVersion"], call.served.api_version.clone().into());
    answer.set(&["metadata", "creationTimestamp"], call.time().to_string().into());
    answer.set(&["status", "userInfo"], call.user.info());
    answer
}

/// Whom a token belongs to.
pub(super) fn of_token(state: &State, call: &Call<'_>, mut object: Value) -> Result<Value, Halt> {
    let token = object.str_at(&["spec", "token"]).unwrap_or_default().to_owned();
    if token.is_empty() {
        return Err(Failure::bad_request("token is required for TokenReview in authentication").into());
    }
    let asked = texts(object.at(&["spec", "audiences"]));
    let wanted = if asked.is_empty() { vec![token::ISSUER.to_owned()] } else { asked };
    let mut status = Value::map(Map::new());
    status.set(&["user"], Value::map(Map::new()));
    match token::check(state, call, token.as_bytes())? {
        Ok((user, audiences)) => {
            let own = [token::ISSUER.to_owned()];
            let known = audiences.as_deref().unwrap_or(&own);
            let common: Vec<&String> = known.iter().filter(|name| wanted.contains(name)).collect();
            match (common.is_empty(), &audiences) {
                (true, Some(audiences)) => status.set(&["error"], other_audience(audiences, &wanted).into()),
                (true, None) => status.set(&["error"], "invalid bearer token".into()),
                (false, _) => {
                    status.set(&["authenticated"], true.into());
                    status.set(&["user"], user.info());
                    status.set(&["audiences"], list(common));
                }
            }
        }
        Err(why) => status.set(&["error"], why.into()),
    }
    object.set(&["status"], status);
    Ok(object)
}

fn other_audience(audiences: &[String], wanted: &[String]) -> String {
    let list = |names: &[String]| {
        let names: Vec<String> = names.iter().map(|name| quoted(name)).collect();
        format!("[{}]", names.join(" "))
    };
    let (has, wants) = (list(audiences), list(wanted));
    format!("[invalid bearer token, token audiences {has} is invalid for the target audiences {wants}]")
}
