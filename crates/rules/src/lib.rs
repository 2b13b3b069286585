//! CEL as the API server runs it: validation rules of custom resources (`x-kubernetes-validations`), and admission policies.
//!
//! The language is here whole, from the words of an expression to its value: parsing, types, evaluation and the libraries that the
//! API server of Kubernetes 1.37 has in its environment. The crate `cel` was looked at first (0.13, with `kube-cel`): it checks no
//! types and has no places for its errors, so that the server's messages cannot be had from it; it lacks two-variable
//! comprehensions, messages and optional syntax by default, and turns JSON's integers into unsigned ones.

mod check;
mod cost;
mod definition;
mod estimate;
mod eval;
mod expr;
mod expression;
mod field_name;
mod field_path;
mod library;
mod parse;
mod policy;
mod rule;
mod rules;
mod signature;
mod time;
mod token;
mod types;
mod val;

pub use definition::definition_errors;
pub use expression::{CompileError, EvalError, Expression, Inputs};
pub use library::authorizer::{Authorizer, Check, Decision};
pub use policy::{
    Attributes, Denial, Equivalents, Merge, Mutated, MutatingPolicy, Params, Resource, Surroundings,
    ValidatingPolicy, Verdict, expression_errors, mutate, validate,
};
pub use rules::Rules;
