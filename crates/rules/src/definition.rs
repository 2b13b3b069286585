//! Whether the rules of a definition compile.

use lockstep_core::{Value, to_json};
use schema::{At, FieldError, Mistake};

use crate::estimate::Sizes;
use crate::rule::{Rule, Uncompiled};
use crate::rules::embedded;
use crate::types::Type;

/// What one rule may cost at most for all its values, and all rules of a schema together.
const MOST_PER_RULE: u64 = 10_000_000;
const MOST_PER_SCHEMA: u64 = 100_000_000;
/// How many rules are named that make a schema too expensive.
const NAMED: usize = 4;

/// What is wrong with the rules of a schema of a definition (its `openAPIV3Schema`, at `at`). The schema itself must be valid: the
/// server says nothing about rules before.
pub fn definition_errors(schema: &Value, at: &At) -> Vec<FieldError> {
    let mut check = Check { errors: Vec::new(), costs: Vec::new() };
    let place = Place { at, lost: None, often: Some(1) };
    check.visit(schema, place, Type::declared(schema, true, "selfType").as_ref(), true);
    check.total(at);
    check.errors
}

/// A place of a schema.
#[derive(Clone, Copy)]
struct Place<'a> {
    at: &'a At<'a>,
    /// The first place around it whose old state cannot be found for every part.
    lost: Option<&'a str>,
    /// How many values it can have in one object; `None` where nothing limits that.
    often: Option<u64>,
}

struct Check {
    errors: Vec<FieldError>,
    /// What each rule may cost, and where it is.
    costs: Vec<(u64, String)>,
}

impl Check {
    fn visit(&mut self, schema: &Value, place: Place<'_>, of: Option<&Type>, root: bool) {
        let Place { at, lost, often } = place;
        let of_item = match of {
            Some(Type::List(item) | Type::Map(_, item)) => Some((**item).clone()),
            _ => None,
        };
        let own = |schema: &Value| Type::declared(schema, embedded(schema), "selfType");
        let limited = |key: &str| {
            let limit = u64::try_from(schema.int_at(&[key])?).unwrap_or(0);
            Some(often?.saturating_mul(limit))
        };
        let here = at.to_string();
        if let Some(inner) = schema.get("additionalProperties").filter(|inner| inner.as_map().is_some()) {
            let at = &at.field("additionalProperties");
            let place = Place { at, lost, often: limited("maxProperties") };
            self.visit(inner, place, of_item.or_else(|| own(inner)).as_ref(), embedded(inner));
        } else if let Some(inner) = schema.get("items") {
            let keyed = schema.str_at(&["x-kubernetes-list-type"]) == Some("map");
            let lost = lost.or((!keyed).then_some(&*here));
            let place = Place { at: &at.field("items"), lost, often: limited("maxItems") };
            self.visit(inner, place, of_item.or_else(|| own(inner)).as_ref(), embedded(inner));
        }
        let properties = at.field("properties");
        for (name, inner) in schema.get("properties").and_then(Value::as_map).into_iter().flatten() {
            let place = Place { at: &properties.key(name), lost, often };
            self.visit(inner, place, own(inner).as_ref(), embedded(inner));
        }
        self.rules(schema, place, of, root);
    }

    fn rules(&mut self, schema: &Value, place: Place<'_>, of: Option<&Type>, root: bool) {
        let rules = schema.get("x-kubernetes-validations").and_then(Value::as_list).unwrap_or_default();
        if rules.is_empty() {
            return;
        }
        let (Some(of), Some(sized)) = (of, Sizes::of(schema, root)) else { return };
        let often = place.often.unwrap_or_else(|| sized.cardinality());
        let list = place.at.field("x-kubernetes-validations");
        for (index, rule) in rules.iter().enumerate() {
            let at = &list.index(index);
            let compiled = Rule::new(rule, of, schema);
            if let Ok(Some(compiled)) = &compiled {
                let (cost, message) = compiled.estimate(&sized);
                self.spend(&at.field("rule"), "estimated rule cost", cost.saturating_mul(often));
                if let Some(cost) = message {
                    self.spend(&at.field("messageExpression"), "estimated messageExpression cost", cost);
                }
            }
            self.errors.extend(mistakes(rule, compiled, (at, place.lost)));
        }
    }

    fn spend(&mut self, at: &At, what: &str, cost: u64) {
        if cost > MOST_PER_RULE {
            self.errors.push(FieldError::forbidden(at, too_expensive(what, cost, MOST_PER_RULE)));
        }
        self.costs.push((cost, at.to_string()));
    }

    /// All rules together must not cost too much either.
    fn total(&mut self, at: &At) {
        let total = self.costs.iter().fold(0, |sum: u64, (cost, _)| sum.saturating_add(*cost));
        if total <= MOST_PER_SCHEMA {
            return;
        }
        let mut costs = std::mem::take(&mut self.costs);
        costs.sort_by_key(|(cost, _)| std::cmp::Reverse(*cost));
        for (_, field) in costs.into_iter().take(NAMED) {
            let text =
                "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema";
            let (mistake, detail) = (Mistake::Forbidden, text.into());
            self.errors.push(FieldError { mistake, field, value: None, detail });
        }
        let what = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema";
        self.errors.push(FieldError::forbidden(at, too_expensive(what, total, MOST_PER_SCHEMA)));
    }
}

fn too_expensive(what: &str, cost: u64, most: u64) -> String {
    let factor = cost as f64 / most as f64;
    let factor = match factor {
        100.0.. if factor > 100.0 => "more than 100x".to_owned(),
        // So that no factor reads as one.
        ..1.5 => format!("{factor:.6}x"),
        _ => format!("{factor:.1}x"),
    };
    format!(
        "{what} exceeds budget by factor of {factor} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)"
    )
}

fn mistakes(
    rule: &Value,
    compiled: Result<Option<Rule>, Vec<Uncompiled>>,
    (at, lost): (&At, Option<&str>),
) -> Vec<FieldError> {
    match compiled {
        Ok(None) => Vec::new(),
        Ok(Some(compiled)) if compiled.uses_old => {
            let source = rule.get("rule").cloned().unwrap_or_default();
            let error = |lost: &str| {
                let text = format!(
                    "oldSelf cannot be used on the uncorrelatable portion of the schema within {lost}"
                );
                FieldError::invalid(&at.field("rule"), source.clone(), text)
            };
            lost.map(error).into_iter().collect()
        }
        Ok(Some(_)) => {
            let text = "may not be set if oldSelf is not used in rule";
            let flag = rule.get("optionalOldSelf").cloned();
            let error = |flag| FieldError::invalid(&at.field("optionalOldSelf"), flag, text);
            flag.map(error).into_iter().collect()
        }
        Err(found) => found
            .into_iter()
            .map(|error| match error {
                Uncompiled::Rule(text) => refused(&at.field("rule"), rule, &text),
                Uncompiled::Message(text) => refused(&at.field("messageExpression"), rule, &text),
            })
            .collect(),
    }
}

/// A mistake in a rule that is shown as the server's own structure, whose fields are not sorted: it is part of the detail.
fn refused(at: &At, rule: &Value, text: &str) -> FieldError {
    let json = |value: Value| String::from_utf8_lossy(&to_json(&value)).into_owned();
    let string = |key: &str| json(rule.get(key).cloned().unwrap_or_else(|| "".into()));
    let maybe = |key: &str| json(rule.get(key).cloned().unwrap_or_default());
    let shown = format!(
        "{{\"Rule\":{},\"Message\":{},\"MessageExpression\":{},\"Reason\":{},\"FieldPath\":{},\"OptionalOldSelf\":{}}}",
        string("rule"),
        string("message"),
        string("messageExpression"),
        maybe("reason"),
        string("fieldPath"),
        maybe("optionalOldSelf"),
    );
    let shown = shown.replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e");
    FieldError::new(Mistake::Invalid, at, None, format!("{shown}: {text}"))
}
