//! `anyOf`, `oneOf`, `allOf` and `not`.

use lockstep_core::Value;

use super::Validator;
use super::failure::{Failure, Outcome};
use crate::Structural;
use crate::go_text::quoted;

pub(super) fn check<'a>(at: Validator<'a>, value: &'a Value, path: &str) -> Outcome {
    let mut outcome = Outcome::default();
    let results = |name: &str| -> Vec<Outcome> {
        let schemas = at.schema.0.get(name).and_then(Value::as_list).unwrap_or_default();
        schemas
            .iter()
            .map(|schema| Validator { schema: Structural(schema), ..at }.visit(value, path))
            .collect()
    };
    any_of(results("anyOf"), path, &mut outcome);
    one_of(results("oneOf"), path, &mut outcome);
    all_of(results("allOf"), path, &mut outcome);
    if let Some(schema) = at.schema.0.get("not")
        && (Validator { schema: Structural(schema), ..at }).visit(value, path).is_valid()
    {
        outcome.add(Failure::unplaced(format!("{} must not validate the schema (not)", quoted(path))));
    }
    outcome.matches += 1;
    outcome
}

/// The failures of the alternative that came furthest, the first of several.
fn best(results: Vec<Outcome>) -> Option<Outcome> {
    results.into_iter().reduce(|best, next| if next.matches > best.matches { next } else { best })
}

fn any_of(mut results: Vec<Outcome>, path: &str, outcome: &mut Outcome) {
    if results.is_empty() {
        return;
    }
    if let Some(valid) = results.iter().position(Outcome::is_valid) {
        outcome.merge(results.swap_remove(valid));
        return;
    }
    outcome.add(Failure::unplaced(format!("{} must validate at least one schema (anyOf)", quoted(path))));
    if let Some(best) = best(results) {
        outcome.merge(best);
    }
}

fn one_of(results: Vec<Outcome>, path: &str, outcome: &mut Outcome) {
    if results.is_empty() {
        return;
    }
    let valid = results.iter().filter(|result| result.is_valid()).count();
    if valid == 1 {
        results.into_iter().filter(Outcome::is_valid).for_each(|result| outcome.merge(result));
        return;
    }
    let found = match valid {
        0 => "Found none valid".to_owned(),
        many => format!("Found {many} valid alternatives"),
    };
    outcome.add(Failure::unplaced(format!(
        "{} must validate one and only one schema (oneOf). {found}",
        quoted(path)
    )));
    if valid == 0
        && let Some(best) = best(results)
    {
        outcome.merge(best);
    }
}

fn all_of(results: Vec<Outcome>, path: &str, outcome: &mut Outcome) {
    let (count, valid) = (results.len(), results.iter().filter(|result| result.is_valid()).count());
    results.into_iter().for_each(|result| outcome.merge(result));
    if valid != count {
        let none = if valid == 0 { ". None validated" } else { "" };
        let text = format!("{} must validate all the schemas (allOf){none}", quoted(path));
        outcome.add(Failure::unplaced(text));
    }
}
