//! Who may do what.

use crate::call::{Call, Outcome};
use crate::failure::{Failure, Halt};
use crate::info::Info;
use crate::request::Request;
use crate::served::Served;
use crate::state::State;
use crate::user::User;

/// Whether `user` may do what a request asks for; `info` is `None` for paths that name no resource.
pub(crate) fn allowed(
    _state: &State,
    _user: &User,
    _request: &Request,
    _info: Option<&Info>,
) -> Result<(), Failure> {
    Ok(())
}

/// Who a request is to be answered for: the user, or whom the user may impersonate.
pub(crate) fn effective_user(_state: &State, request: &Request) -> Result<User, Failure> {
    Ok(request.impersonate.clone().unwrap_or_else(|| request.user.clone()))
}

/// Whether a resource is a question about rights or identity, which is answered and not stored.
pub(crate) fn is_review(served: &Served) -> bool {
    matches!(&*served.resource.group, "authentication.k8s.io" | "authorization.k8s.io")
}

/// Answers such a question.
pub(crate) fn review(_state: &State, call: &mut Call<'_>) -> Result<Outcome, Halt> {
    Err(Failure::not_implemented(&call.served.resource.plural).into())
}
