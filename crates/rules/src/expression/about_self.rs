//! Yes or no about one object.

use lockstep_core::Value;

use super::{CompileError, Declared, EvalError, Expression, error};
use crate::cost::PER_CALL;
use crate::eval::{Eval, Fault, Variables};
use crate::types::Type;
use crate::val::{Shape, Val};

impl Expression {
    /// Compiles an expression that says yes or no about one object, which it calls `self`.
    pub fn about_self(source: &str) -> Result<Self, CompileError> {
        let compiled = Self::with(source, &Declared::from([("self".to_owned(), Type::Dyn)]))?;
        match compiled.of() {
            Type::Bool | Type::Dyn => Ok(compiled),
            other => Err(CompileError::plain(format!("must be true or false, not of type {other}"))),
        }
    }

    /// What such an expression says about an object.
    pub fn holds_for(&self, object: &Value) -> Result<bool, EvalError> {
        let (value, _) = Eval::new(&SelfOnly(object), None, PER_CALL).run(&self.expr);
        match value.map_err(error)? {
            Val::Bool(holds) => Ok(holds),
            other => {
                Err(EvalError::Failed(format!("must be true or false, not of type {}", other.type_name())))
            }
        }
    }
}

struct SelfOnly<'a>(&'a Value);

impl Variables for SelfOnly<'_> {
    fn get(&self, name: &str) -> Option<Result<Val, Fault>> {
        (name == "self").then(|| Val::of(self.0, Shape::Free).map_err(Fault::Failed))
    }
}

#[cfg(test)]
mod tests {
    use lockstep_core::from_json;

    use super::*;

    #[test]
    fn an_object_is_asked_for_yes_or_no() {
        let object = from_json(br#"{"status":{"ready":true,"phase":"Up"}}"#).unwrap();
        for (source, expected) in [
            ("self.status.ready", Ok(true)),
            ("self.status.phase == 'Down'", Ok(false)),
            ("has(self.status.x) && self.status.x", Ok(false)),
            ("self.status.phase", Err("must be true or false, not of type string")),
            ("self.status.x", Err("no such key: x")),
        ] {
            let holds =
                Expression::about_self(source).unwrap().holds_for(&object).map_err(|error| error.to_string());
            assert_eq!(holds, expected.map_err(str::to_owned), "{source}");
        }
    }

    #[test]
    fn what_cannot_say_yes_or_no_does_not_compile() {
        for source in ["'yes'", "self.", "object.x", "1 + 1"] {
            assert!(Expression::about_self(source).is_err(), "{source}");
        }
    }
}
