//! Validation of custom resources by the structural schema of their definition: types, values, lists and embedded objects, in
//! the order and the words of the API server (k8s.io/kube-openapi's validate, as the server wraps it).

mod composed;
mod correlation;
mod embedded;
mod failure;
mod lists;
mod number;
mod object;
mod scalar;

use lockstep_core::Value;

use crate::Structural;
use crate::field_error::{At, FieldError};
pub use correlation::Correlated;
use failure::{Failure, Outcome};

impl Structural<'_> {
    /// What is wrong with the values of a new object or a part of one: `at` is [`At::ROOT`] for a whole object, and `status` for
    /// what a writer of the status sends. Embedded objects and the keys of lists are included.
    pub fn validate(self, value: &Value, at: &At) -> Vec<FieldError> {
        let outcome = Validator { schema: self, old: None }.visit(value, "");
        let mut errors = finish(outcome, at);
        embedded::validate(self, value, at, &mut errors);
        lists::validate(self, value, at, &mut errors);
        errors
    }

    /// The same for a new state of what was `old` before: a mistake in a part that is as it was does not count, as far as the
    /// part can be found in the old object.
    pub fn validate_update(self, value: &Value, old: &Value, at: &At) -> Vec<FieldError> {
        let correlated = Correlated::new(self, value, old);
        let validator = Validator { schema: self, old: Some(correlated) };
        let mut outcome = validator.visit(value, "");
        if !outcome.failures.is_empty() && correlated.is_equal() {
            outcome.failures.clear();
        }
        let mut errors = finish(outcome, at);
        embedded::validate(self, value, at, &mut errors);
        let mut before = Vec::new();
        lists::validate(self, old, at, &mut before);
        if before.is_empty() {
            lists::validate(self, value, at, &mut errors);
        }
        errors
    }
}

/// Whether rules can be checked on an object with these mistakes. If not, the server says so with the error that is returned.
pub fn blocks_rules(errors: &[FieldError]) -> Option<FieldError> {
    use crate::field_error::Mistake;
    let blocking = |error: &FieldError| {
        matches!(
            error.mistake,
            Mistake::NotSupported
                | Mistake::Required
                | Mistake::TooLong
                | Mistake::TooMany
                | Mistake::TypeInvalid
        )
    };
    errors.iter().any(blocking).then(|| FieldError {
        mistake: Mistake::Invalid,
        field: NOWHERE.to_owned(),
        value: Some(Value::Null),
        detail: "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation".into(),
    })
}

/// What the server prints for the path of a whole object.
pub(crate) const NOWHERE: &str = "<nil>";

fn finish(outcome: Outcome, at: &At) -> Vec<FieldError> {
    outcome.failures.into_iter().map(|failure| failure.at(at)).collect()
}

/// One schema at one place, with the old value there as far as it is known.
#[derive(Clone, Copy)]
struct Validator<'a> {
    schema: Structural<'a>,
    old: Option<Correlated<'a>>,
}

impl<'a> Validator<'a> {
    /// The types that are allowed; none means any.
    fn types(self) -> Vec<&'a str> {
        if self.schema.0.get("x-kubernetes-int-or-string").and_then(Value::as_bool) == Some(true) {
            return vec!["integer", "string"];
        }
        self.schema.0.str_at(&["type"]).into_iter().filter(|name| !name.is_empty()).collect()
    }

    /// The format, where the server checks it.
    fn format(self, types: &[&str]) -> &'a str {
        let format = self.schema.0.str_at(&["format"]).unwrap_or_default();
        let known = match types {
            ["integer"] => matches!(format, "int32" | "int64"),
            ["number"] => matches!(format, "float" | "double"),
            ["string"] | [] => crate::string_format::is_known(format),
            [_, _] => crate::string_format::is_known(format),
            _ => false,
        };
        if known { format } else { "" }
    }

    /// The checks in the server's order. Each that applies counts, since of several alternatives the one with the most
    /// successful checks is shown.
    fn visit(self, value: &'a Value, path: &str) -> Outcome {
        let mut outcome = Outcome::default();
        let types = self.types();
        let format = self.format(&types);
        if matches!(value, Value::Null) {
            outcome.merge(scalar::check_type(self, &types, format, value, path));
            outcome.merge(scalar::check_enum(self, value, path));
            return outcome;
        }
        let mut step = |applies: bool, check: &dyn Fn() -> Outcome| {
            if applies {
                outcome.merge(check());
                outcome.matches += 1;
            }
        };
        let is_text = matches!(value, Value::String(_));
        let is_number = matches!(value, Value::Int(_) | Value::Uint(_) | Value::Float(_));
        step(!types.is_empty() || !format.is_empty(), &|| {
            scalar::check_type(self, &types, format, value, path)
        });
        step(true, &|| composed::check(self, value, path));
        step(is_text, &|| scalar::check_text(self, value, path));
        step(is_text && crate::string_format::is_known(format), &|| {
            scalar::check_format(format, value, path)
        });
        step(is_number, &|| number::check(self, &types, format, value, path));
        step(matches!(value, Value::List(_)), &|| self.items(value, path));
        step(true, &|| scalar::check_enum(self, value, path));
        step(matches!(value, Value::Map(_)), &|| object::check(self, value, path));
        outcome.matches += 1;
        outcome
    }

    /// The same of a part of the value, whose mistakes do not count where it is as it was.
    fn part(schema: Structural<'a>, old: Option<Correlated<'a>>, value: &'a Value, path: &str) -> Outcome {
        let outcome = Self { schema, old }.visit(value, path);
        match old {
            Some(old) if !outcome.failures.is_empty() && old.is_equal() => {
                Outcome { failures: Vec::new(), matches: outcome.matches }
            }
            _ => outcome,
        }
    }

    fn items(self, value: &'a Value, path: &str) -> Outcome {
        let mut outcome = Outcome::default();
        let items = value.as_list().unwrap_or_default();
        if let Some(schema) = self.schema.0.get("items").filter(|items| items.as_map().is_some()) {
            for (index, item) in items.iter().enumerate() {
                let old = self.old.and_then(|old| old.index(index));
                outcome.merge(Self::part(Structural(schema), old, item, &format!("{path}[{index}]")));
            }
        }
        let count = items.len() as i64;
        if let Some(least) = self.schema.0.int_at(&["minItems"]).filter(|least| count < *least) {
            let text = format!("{path} in body should have at least {least} items");
            outcome.add(Failure::invalid(path, Some(Value::Int(count)), text));
        }
        if let Some(most) = self.schema.0.int_at(&["maxItems"]).filter(|most| count > *most) {
            let text = format!("{path} in body should have at most {most} items");
            outcome.add(Failure::too_many(path, count, most, text));
        }
        let unique = self.schema.0.get("uniqueItems").and_then(Value::as_bool) == Some(true);
        if unique && items.iter().enumerate().any(|(index, item)| items[..index].contains(item)) {
            outcome.add(Failure::invalid(path, None, format!("{path} in body shouldn't contain duplicates")));
        }
        outcome.matches += 1;
        outcome
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_core::from_json;

    fn value(json: &str) -> Value {
        from_json(json.as_bytes()).unwrap()
    }

    const SCHEMA: &str = r#"{"type":"object","required":["r"],"properties":{"s":{"type":"string","maxLength":2},
        "l":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["k"],"items":{"type":"object","properties":{"k":{"type":"string"},"v":{"type":"integer","minimum":5}}}},
        "o":{"type":"object","oneOf":[{"required":["a"]},{"required":["b"]}]}}}"#;

    #[track_caller]
    fn check(new: &str, old: Option<&str>, want: &[&str]) {
        let (schema, new) = (value(SCHEMA), value(new));
        let errors = match old {
            None => Structural(&schema).validate(&new, &At::ROOT),
            Some(old) => Structural(&schema).validate_update(&new, &value(old), &At::ROOT),
        };
        let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
        assert_eq!(lines, want);
    }

    #[test]
    fn mistakes_have_the_words_of_the_server() {
        check(
            r#"{"s":"long","l":[{"k":"a","v":1},{"k":"a","v":"x"}],"o":{}}"#,
            None,
            &[
                "l[0].v: Invalid value: 1: l[0].v in body should be greater than or equal to 5",
                "l[1].v: Invalid value: \"string\": l[1].v in body must be of type integer: \"string\"",
                "<nil>: Invalid value: \"\": \"o\" must validate one and only one schema (oneOf). Found none valid",
                "o.a: Required value",
                "s: Too long: may not be more than 2 bytes",
                "r: Required value",
                "l[1]: Duplicate value: {\"k\":\"a\"}",
            ],
        );
    }

    #[test]
    fn what_was_wrong_before_is_let_through() {
        let old = r#"{"r":1,"s":"long","l":[{"k":"a","v":1},{"k":"b","v":2}]}"#;
        check(r#"{"r":2,"s":"long","l":[{"k":"b","v":2},{"k":"a","v":1}]}"#, Some(old), &[]);
        check(
            r#"{"r":2,"s":"longer","l":[{"k":"b","v":3},{"k":"a","v":1}]}"#,
            Some(old),
            &[
                "l[0].v: Invalid value: 3: l[0].v in body should be greater than or equal to 5",
                "s: Too long: may not be more than 2 bytes",
            ],
        );
    }
}
