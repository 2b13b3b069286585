//! The further endpoints of objects.

mod binding;
mod eviction;
mod log;
mod prepare;
mod scale;

pub(crate) use scale::SCALE;

use crate::admission::{self, Operation};
use crate::call::{Call, Outcome};
use crate::failure::{Failure, Halt};
use crate::info::Verb;
use crate::state::State;
use crate::{read, write};

pub(crate) use binding::bind;
pub use log::FollowedLog;
pub(crate) use prepare::{prepare, rules_of};

/// Answers a request for a further endpoint.
pub(crate) fn route(state: &State, call: &mut Call<'_>) -> Result<Outcome, Halt> {
    let verb = call.info.verb;
    let known = call.served.subresource(&call.info.subresource);
    if !known.is_some_and(|subresource| subresource.verbs.iter().any(|known| known == verb.as_str())) {
        return Err(crate::route::refused(call).into());
    }
    match (&*call.info.subresource, verb) {
        ("scale", _) => scale::scale(state, call),
        ("eviction", _) => eviction::evict(state, call),
        ("binding", _) => binding::bind(state, call),
        ("log", _) => log::log(state, call),
        ("token", _) => crate::token::create(state, call),
        (name @ ("exec" | "attach" | "portforward" | "proxy"), _) => {
            let name = name.to_owned();
            admission::act(call, (state, Operation::Connect, false), None)?;
            Err(Failure::not_implemented(&format!("{name} of {}", call.served.resource.plural)).into())
        }
        (_, Verb::Get) => read::get(state, call),
        (_, Verb::Update) => write::update(state, call),
        (_, Verb::Patch) => write::patch(state, call),
        _ => Err(crate::route::refused(call).into()),
    }
}
