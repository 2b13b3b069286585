//! The functions that expressions call.

pub(crate) mod address;
pub(crate) mod authorizer;
pub(crate) mod base64;
mod convert;
mod lists;
mod named_format;
mod operators;
pub(crate) mod semver;
mod special;
mod strings;
mod times;
pub(crate) mod url;

use crate::val::Val;
use authorizer::Authorizer;

/// What a function gives.
pub(crate) type Answer = Result<Val, String>;

/// Calls a function; `target` is what it is a method of. `None` where there is none for these values.
pub(crate) fn call(
    name: &str,
    target: Option<&Val>,
    args: &[Val],
    authorizer: Option<&dyn Authorizer>,
) -> Option<Answer> {
    if let (Some(Val::Authz(authz)), true) = (target, !matches!(name, "_==_" | "_!=_")) {
        return authz.call(name, args, authorizer);
    }
    match target {
        None => operators::call(name, args)
            .or_else(|| convert::call(name, args))
            .or_else(|| special::make(name, args))
            .or_else(|| strings::global(name, args))
            .or_else(|| lists::global(name, args)),
        Some(target) => strings::method(name, target, args)
            .or_else(|| lists::method(name, target, args))
            .or_else(|| times::method(name, target, args))
            .or_else(|| special::method(name, target, args)),
    }
}

pub(crate) use convert::shown;
