//! Structural schemas of custom resources, built in code.
//!
//! Only what our own resources need of OpenAPI v3 as Kubernetes takes it (`apiextensions.k8s.io/v1` JSONSchemaProps).

use lockstep_core::{Map, Value};

/// Text that Go's `time.ParseDuration` accepts, without a sign.
const DURATION: &str = r"^([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+$";

/// One node of a structural schema.
#[derive(Clone, Debug)]
pub(crate) struct Schema(Value);

impl Schema {
    fn typed(name: &str) -> Self {
        Self(Value::map(Map::new())).with("type", name)
    }

    fn with(mut self, key: &str, value: impl Into<Value>) -> Self {
        self.0.set(&[key], value.into());
        self
    }

    /// A string of at most 4,096 bytes; CEL's cost estimate needs the bound.
    pub(crate) fn text() -> Self {
        Self::typed("string").max_length(4096)
    }

    /// A string that is one of a few.
    pub(crate) fn choice(words: &[&str]) -> Self {
        Self::typed("string").with("enum", Value::list(words.iter().map(|word| (*word).into()).collect()))
    }

    /// A duration as Go writes it.
    pub(crate) fn duration() -> Self {
        Self::typed("string").max_length(64).pattern(DURATION)
    }

    /// A time as RFC 3339 writes it.
    pub(crate) fn time() -> Self {
        Self::typed("string").with("format", "date-time")
    }

    /// The name of a namespace.
    pub(crate) fn namespace() -> Self {
        Self::typed("string").max_length(63).pattern("^[a-z0-9]([-a-z0-9]*[a-z0-9])?$")
    }

    /// A flag.
    pub(crate) fn flag() -> Self {
        Self::typed("boolean")
    }

    /// An integer within bounds.
    pub(crate) fn integer(least: i64, most: i64) -> Self {
        Self::typed("integer").with("format", "int64").with("minimum", least).with("maximum", most)
    }

    /// An integer from 0. (Bounds are floating-point numbers on the server, which cannot say the largest integer.)
    pub(crate) fn count() -> Self {
        Self::typed("integer").with("format", "int64").with("minimum", 0)
    }

    /// Any integer.
    pub(crate) fn whole() -> Self {
        Self::typed("integer").with("format", "int64")
    }

    /// A count or a percentage.
    pub(crate) fn count_or_percent() -> Self {
        let one_of = [Self::typed("integer").0, Self::typed("string").0];
        Self(Value::map(Map::new()))
            .with("x-kubernetes-int-or-string", true)
            .with("anyOf", Value::list(one_of.to_vec()))
            .rule(
                "type(self) == int ? self >= 0 : string(self).matches('^(100|[0-9]{1,2})%$')",
                "must be a count of at least 0 or a percentage from 0% to 100%",
            )
    }

    /// A list of at most so many items.
    pub(crate) fn list(items: Schema, most: i64) -> Self {
        Self::typed("array").with("items", items.0).with("maxItems", most)
    }

    /// A mapping with these fields.
    pub(crate) fn fields(fields: Vec<(&str, Schema)>) -> Self {
        let properties = fields.into_iter().map(|(name, schema)| (name.into(), schema.0)).collect();
        Self::typed("object").with("properties", Value::map(properties))
    }

    /// A mapping of strings.
    pub(crate) fn words(most: i64) -> Self {
        Self::typed("object").with("additionalProperties", Self::text().0).with("maxProperties", most)
    }

    /// A mapping of which nothing is said.
    pub(crate) fn object() -> Self {
        Self::typed("object")
    }

    /// A mapping that the server keeps as it is.
    pub(crate) fn free() -> Self {
        Self::object().open()
    }

    /// Keeps fields that the schema does not name.
    pub(crate) fn open(self) -> Self {
        self.with("x-kubernetes-preserve-unknown-fields", true)
    }

    /// What it is for.
    pub(crate) fn about(self, text: &str) -> Self {
        self.with("description", text)
    }

    /// What the server fills in.
    pub(crate) fn default(self, value: impl Into<Value>) -> Self {
        self.with("default", value)
    }

    /// The server fills in an empty mapping, so that the defaults inside apply.
    pub(crate) fn default_empty(self) -> Self {
        self.with("default", Value::map(Map::new()))
    }

    /// Fields that must be there.
    pub(crate) fn required(self, names: &[&str]) -> Self {
        self.with("required", Value::list(names.iter().map(|name| (*name).into()).collect()))
    }

    /// At least so many items.
    pub(crate) fn min_items(self, least: i64) -> Self {
        self.with("minItems", least)
    }

    /// At least so many bytes.
    pub(crate) fn min_length(self, least: i64) -> Self {
        self.with("minLength", least)
    }

    /// At most so many bytes.
    pub(crate) fn max_length(self, most: i64) -> Self {
        self.with("maxLength", most)
    }

    /// A regular expression (RE2) that the text matches.
    pub(crate) fn pattern(self, pattern: &str) -> Self {
        self.with("pattern", pattern)
    }

    /// Items are told apart by these fields.
    pub(crate) fn keyed_by(self, names: &[&str]) -> Self {
        let keys = names.iter().map(|name| (*name).into()).collect();
        self.with("x-kubernetes-list-type", "map").with("x-kubernetes-list-map-keys", Value::list(keys))
    }

    /// A rule in CEL and what is said where it does not hold.
    pub(crate) fn rule(mut self, rule: &str, message: &str) -> Self {
        let key = "x-kubernetes-validations";
        let entry = Map::from([("rule".into(), rule.into()), ("message".into(), message.into())]);
        let mut rules = self.0.get(key).and_then(Value::as_list).unwrap_or_default().to_vec();
        rules.push(Value::map(entry));
        self.0.set(&[key], Value::list(rules));
        self
    }

    /// The schema as it goes into a CustomResourceDefinition.
    pub(crate) fn into_value(self) -> Value {
        self.0
    }
}
