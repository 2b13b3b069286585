//! Questions about rights and identity, which are answered and not stored.

mod access;
mod identity;
mod rules;

use lockstep_core::Value;

use crate::admission::{self, Attributes, Operation};
use crate::answers::Ask;
use crate::body;
use crate::call::{Call, Outcome, Shown};
use crate::failure::{Failure, Halt};
use crate::options::{WriteKind, WriteOptions};
use crate::served::Served;
use crate::state::State;
use crate::write::{settle_namespace, writer};

/// Whether a resource is such a question.
pub(crate) fn is_review(served: &Served) -> bool {
    matches!(&*served.resource.group, "authentication.k8s.io" | "authorization.k8s.io")
}

/// Answers it.
pub(crate) fn review(state: &State, call: &mut Call<'_>) -> Result<Outcome, Halt> {
    let options = WriteOptions::read(call.request, WriteKind::Create)?;
    let mut object = body::object(call, options.field_validation)?;
    settle_namespace(&mut object, call.namespace())?;
    let ask = Ask { state, answers: call.answers };
    let served = call.served.clone();
    let object = writer(ask, &served, "", (&options, call.time())).update(None, &object)?;
    let value = admission::options_value(&options, Operation::Create);
    let attributes = Attributes {
        ask,
        operation: Operation::Create,
        name: "",
        subresource: "",
        dry_run: options.dry_run,
        options: &value,
    };
    let object = admission::mutate(call, attributes, object, None)?;
    let answer = match &*served.resource.kind {
        "SubjectAccessReview" => access::subject(state, object)?,
        "LocalSubjectAccessReview" => access::local(state, object, call.namespace())?,
        "SelfSubjectAccessReview" => access::of_sender(state, call, object)?,
        "SelfSubjectRulesReview" => rules::answer(state, call, &object)?,
        "SelfSubjectReview" => identity::of_sender(call),
        "TokenReview" => identity::of_token(state, call, object)?,
        _ => return Err(Failure::method_not_allowed().into()),
    };
    admission::validate(call, attributes, Some(&answer), None)?;
    Ok(Outcome::with(201, Shown::Object(answer)))
}

/// A list of texts; empty where there is none.
fn texts(value: Option<&Value>) -> Vec<String> {
    let items = value.and_then(Value::as_list).unwrap_or_default().iter();
    items.filter_map(|item| item.as_str().map(str::to_owned)).collect()
}

/// The values of some texts.
fn list<'t>(texts: impl IntoIterator<Item = &'t String>) -> Value {
    Value::list(texts.into_iter().map(|text| Value::from(&**text)).collect())
}
