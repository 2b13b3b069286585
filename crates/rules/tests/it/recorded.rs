use lockstep_core::{Value, from_json};
use lockstep_rules::{Rules, definition_errors};
use schema::{At, FieldError, Structural, blocks_rules};

fn rows(text: &str) -> Vec<Value> {
    from_json(text.as_bytes()).unwrap().as_list().unwrap().to_vec()
}

/// The causes of a refusal as lines, sorted: the server looks at mappings in no order.
fn recorded(row: &Value) -> Vec<String> {
    let causes = row.get("causes").and_then(Value::as_list).unwrap();
    let line = |cause: &Value| {
        format!("{}: {}", cause.str_at(&["field"]).unwrap_or_default(), cause.str_at(&["message"]).unwrap())
    };
    let mut lines: Vec<String> = causes.iter().map(line).collect();
    lines.sort();
    lines
}

fn lines(errors: &[FieldError]) -> Vec<String> {
    let mut lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    lines.sort();
    lines
}

fn validate(schema: &Value, new: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let structural = Structural(schema);
    let (mut new, mut old) = (new.clone(), old.cloned());
    for object in std::iter::once(&mut new).chain(old.as_mut()) {
        structural.prune(object);
        structural.drop_nulls(object);
        structural.default(object);
    }
    let mut errors = match &old {
        Some(old) => structural.validate_update(&new, old, &At::ROOT),
        None => structural.validate(&new, &At::ROOT),
    };
    let rules = Rules::new(schema);
    if rules.is_empty() {
        return errors;
    }
    match blocks_rules(&errors) {
        Some(error) => errors.push(error),
        None => errors.extend(rules.validate(&new, old.as_ref(), &At::ROOT)),
    }
    errors
}

#[test]
fn custom_resources_are_accepted_or_refused_as_by_the_server() {
    let mut wrong = Vec::new();
    let rows = rows(include_str!("../../../../tests/conformance/crd/values.json"));
    for row in &rows {
        let (schema, new) = (row.get("schema").unwrap(), row.get("new").unwrap());
        let got = lines(&validate(schema, new, row.get("old")));
        let want = recorded(row);
        if got != want {
            wrong.push(format!(
                "{:?}\n  old {:?}\n  got  {got:#?}\n  want {want:#?}",
                new.get("spec"),
                row.get("old").and_then(|old| old.get("spec"))
            ));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    assert!(rows.len() >= 190);
}

/// The schema and the object that expressions.txt is about, from cases.py by way of definitions in values.json's neighbour.
fn subject() -> (Value, Value) {
    let text = include_str!("../../../../tests/conformance/crd/subject.json");
    let subject = from_json(text.as_bytes()).unwrap();
    (subject.get("spec").unwrap().clone(), subject.get("object").unwrap().clone())
}

/// The expression as a rule or as the message of one.
fn with_rule(rule: &str, message_expression: Option<&str>) -> Value {
    let (mut spec, _) = subject();
    let mut value = Value::default();
    value.set(&["rule"], rule.into());
    if let Some(text) = message_expression {
        value.set(&["messageExpression"], text.into());
    }
    spec.set(&["x-kubernetes-validations"], Value::list(vec![value]));
    let mut schema = Value::default();
    schema.set(&["type"], "object".into());
    schema.set(&["properties", "spec"], spec);
    schema
}

fn said(schema: &Value) -> Vec<String> {
    let (_, object) = subject();
    let mut whole = Value::default();
    whole.set(&["apiVersion"], "a/v1".into());
    whole.set(&["kind"], "K".into());
    whole.set(&["metadata", "name"], "x".into());
    whole.set(&["spec"], object);
    Rules::new(schema).validate(&whole, None, &At::ROOT).iter().map(FieldError::body).collect()
}

/// Where the server says it in words of its parser generator that are not followed.
const OTHER_WORDS: &[&str] = &["\"\\q\"", "'unterminated", "(self.i"];

#[test]
fn expressions_have_the_values_and_mistakes_of_the_server() {
    let mut wrong = Vec::new();
    let rows = rows(include_str!("../../../../tests/conformance/crd/expressions.json"));
    for row in &rows {
        let expression = row.str_at(&["expression"]).unwrap();
        if OTHER_WORDS.contains(&expression) {
            continue;
        }
        let rule = row.get("rule").and_then(Value::as_list).unwrap();
        let first = rule.first().and_then(Value::as_str).unwrap_or_default();
        let mut check = |what: &str, got: String, want: &str| {
            if got != want {
                wrong.push(format!("{expression}\n  {what}\n  got  {got}\n  want {want}"));
            }
        };
        if first.contains("compilation failed: ") {
            // The recorder gives every rule a message of its own, which the server shows.
            let message =
                first.split("\"Message\":\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap();
            let mut schema = with_rule(expression, None);
            let rule = |text: &str| {
                Value::map([("rule".into(), expression.into()), ("message".into(), text.into())].into())
            };
            schema.set(&["properties", "spec", "x-kubernetes-validations"], Value::list(vec![rule(message)]));
            let errors = definition_errors(&schema, &At::ROOT);
            let got = errors.first().map(FieldError::body).unwrap_or_default();
            check("compile", got, first);
            continue;
        }
        if first.contains("estimated rule cost") || first.contains("contributed to") {
            continue;
        }
        if let Some(want) = row.str_at(&["value"]) {
            let message = format!("'%s'.format([dyn({expression})])");
            let got = said(&with_rule("false", Some(&message)));
            check("value", got.join("|").replace("Invalid value: ", ""), want);
        } else if let Some(want) = row.str_at(&["error"]) {
            let got = said(&with_rule(&format!("dyn({expression}) == null && false"), None));
            check("error", got.join("|"), want);
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), rows.len(), wrong.join("\n"));
    assert!(rows.len() >= 300);
}

#[test]
fn rules_of_definitions_compile_or_not_as_on_the_server() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for row in rows(include_str!("../../../../tests/conformance/crd/definitions.json")) {
        let want = recorded(&row);
        let words = ["compilation failed", "must evaluate to", "oldSelf", "estimated rule cost"];
        let ours = want.iter().all(|line| words.iter().any(|words| line.contains(words)));
        let schema = row
            .at(&["new", "spec", "versions"])
            .and_then(Value::as_list)
            .and_then(|list| list.first()?.at(&["schema", "openAPIV3Schema"]));
        let Some(schema) = schema.filter(|_| ours) else {
            continue;
        };
        let (spec, validation) = (At::ROOT.field("spec"), "validation");
        let place = spec.field(validation);
        let got = lines(&definition_errors(schema, &place.field("openAPIV3Schema")));
        seen += 1;
        if got != want {
            wrong.push(format!("got {got:#?}\nwant {want:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(seen > 20);
}

/// What a real server says of one rule for the items of a list, of which there are as many as make its cost visible.
#[test]
fn rules_are_estimated_as_by_the_real_server() {
    let text = include_str!("../../../../tests/conformance/crd/costs.jsonl");
    let mut wrong = Vec::new();
    for line in text.lines() {
        let case = lockstep_core::from_json(line.as_bytes()).unwrap();
        let (mut items, rule) = (case.get("items").cloned().unwrap(), case.get("rule").cloned().unwrap());
        let rules = Value::list(vec![Value::map([("rule".into(), rule.clone())].into())]);
        items.set(&["x-kubernetes-validations"], rules);
        let mut schema = Value::default();
        schema.set(&["type"], "object".into());
        schema.set(&["properties", "l", "type"], "array".into());
        schema.set(&["properties", "l", "maxItems"], case.get("maxItems").cloned().unwrap());
        schema.set(&["properties", "l", "items"], items);
        let root = At::ROOT.field("spec");
        let root = root.field("validation");
        let errors = definition_errors(&schema, &root.field("openAPIV3Schema"));
        let got: Vec<String> = errors.iter().map(ToString::to_string).collect();
        let want = case.str_at(&["message"]).unwrap();
        let want = want.split_once(" is invalid: ").map_or("", |(_, list)| list);
        let want = want.strip_prefix('[').and_then(|list| list.strip_suffix(']')).unwrap_or(want);
        if got.join(", ") != want {
            wrong.push(format!("{}\n  {}\n  {want}", rule.as_str().unwrap(), got.join(", ")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
