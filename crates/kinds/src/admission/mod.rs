//! What looks at objects before they are stored: webhooks and policies. Expressions are not compiled here.

mod binding;
mod match_condition;
mod mutating_policy;
mod param;
mod rules;
mod validating_policy;
mod webhook;
mod webhook_url;

pub(crate) use binding::{MUTATING_BINDING, VALIDATING_BINDING};
pub(crate) use mutating_policy::MUTATING_POLICY;
pub(crate) use validating_policy::VALIDATING_POLICY;
pub(crate) use webhook::{MUTATING_WEBHOOKS, VALIDATING_WEBHOOKS};

use lockstep_core::{Map, Value};
use schema::{At, FieldError};

use crate::meta::{Edit, View};

const GROUP: &str = "admissionregistration.k8s.io";
const FAILURE_POLICIES: &[&str] = &["Fail", "Ignore"];

type Errors = Vec<FieldError>;

/// Names that only files of the server's own may have.
fn validate_name(errors: &mut Errors, object: &Value) {
    const SUFFIX: &str = ".static.k8s.io";
    let name = object.child("metadata").text("name");
    if name.ends_with(SUFFIX) {
        let at = At::ROOT.field("metadata");
        let text = format!(
            "names ending with \"{SUFFIX}\" are reserved for static manifest-based configurations and cannot be managed via the API"
        );
        errors.push(FieldError::invalid(&at.field("name"), name, text));
    }
}

/// What a webhook or a policy is asked about when it does not say so.
fn default_selectors(target: &mut Value) {
    target.default_to("matchPolicy", "Equivalent");
    target.default_to("namespaceSelector", Map::new());
    target.default_to("objectSelector", Map::new());
}

fn default_rules(target: &mut Value, lists: &[&str]) {
    for list in lists {
        target.items_mut(list).iter_mut().for_each(|rule| rule.default_to("scope", "*"));
    }
}

/// One of some words, where it is set.
fn validate_word(errors: &mut Errors, at: &At, (value, known): (&Value, &[&str])) {
    let word = value.as_str().unwrap_or_default();
    if !matches!(value, Value::Null) && !known.contains(&word) {
        errors.push(FieldError::not_supported(at, word, known));
    }
}
