//! The further endpoints of objects.

use crate::call::{Call, Outcome};
use crate::failure::{Failure, Halt};
use crate::info::Verb;
use crate::state::State;
use crate::{read, write};

/// Answers a request for a further endpoint.
pub(crate) fn route(state: &State, call: &mut Call<'_>) -> Result<Outcome, Halt> {
    let verb = call.info.verb;
    let known = call.served.subresource(&call.info.subresource);
    if !known.is_some_and(|subresource| subresource.verbs.iter().any(|known| known == verb.as_str())) {
        return Err(Failure::method_not_allowed().into());
    }
    match (&*call.info.subresource, verb) {
        ("status", Verb::Get) => read::get(state, call),
        ("status", Verb::Update) => write::update(state, call),
        ("status", Verb::Patch) => write::patch(state, call),
        (name @ ("exec" | "attach" | "portforward" | "proxy"), _) => {
            Err(Failure::not_implemented(&format!("{name} of {}", call.served.resource.plural)).into())
        }
        (name, _) => Err(Failure::not_implemented(name).into()),
    }
}

/// Binds a pod to a node.
pub(crate) fn bind(_state: &State, _call: &mut Call<'_>) -> Result<Outcome, Halt> {
    Err(Failure::not_implemented("binding").into())
}
