//! One rule of a definition.

use std::collections::BTreeMap;

use lockstep_core::Value;
use schema::{At, FieldError, Mistake};

use crate::check::{Mixed, check};
use crate::cost::PER_CALL;
use crate::estimate::{Sizes, estimate};
use crate::eval::{Eval, Fault, Variables};
use crate::expr::{Expr, shown};
use crate::field_path;
use crate::parse::parse;
use crate::types::Type;
use crate::val::Val;

/// A rule that compiles.
#[derive(Clone, Debug)]
pub(crate) struct Rule {
    expr: Expr,
    message_expr: Option<Expr>,
    /// What messages say: the message, or else the rule.
    text: String,
    message: String,
    message_source: String,
    reason: String,
    path: Option<String>,
    pub(crate) uses_old: bool,
    optional_old: bool,
}

/// Why a rule does not compile, in the words of the server.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Uncompiled {
    Rule(String),
    Message(String),
}

fn compile(source: &str, of: &Type, optional_old: bool, message: &str) -> Result<(Expr, Type), String> {
    let failed =
        |issues: &[crate::expr::Issue]| format!("{message}compilation failed: {}", shown(issues, source));
    let expr = parse(source).map_err(|issues| failed(&issues))?;
    let old = if optional_old { Type::optional(of.clone()) } else { of.clone() };
    let variables = BTreeMap::from([("self".to_owned(), of.clone()), ("oldSelf".to_owned(), old)]);
    let gives = check(&expr, &variables, Mixed::Refused).map_err(|issues| failed(&issues))?;
    Ok((expr, gives))
}

impl Rule {
    /// Compiles a rule of a schema. `None` for one that says nothing.
    pub(crate) fn new(rule: &Value, of: &Type, schema: &Value) -> Result<Option<Self>, Vec<Uncompiled>> {
        let text = |key: &str| rule.str_at(&[key]).unwrap_or_default();
        let flag = |key: &str| rule.get(key).and_then(Value::as_bool) == Some(true);
        if text("rule").trim().is_empty() {
            return Ok(None);
        }
        let optional_old = flag("optionalOldSelf");
        let (expr, gives) =
            compile(text("rule"), of, optional_old, "").map_err(|text| vec![Uncompiled::Rule(text)])?;
        if !matches!(gives, Type::Bool) {
            return Err(vec![Uncompiled::Rule("cel expression must evaluate to a bool".into())]);
        }
        let source = text("messageExpression");
        let message_expr = match source {
            "" => None,
            source => {
                let compiled = compile(source, of, optional_old, "messageExpression ");
                let (expr, gives) = compiled.map_err(|text| vec![Uncompiled::Message(text)])?;
                if !matches!(gives, Type::String) {
                    return Err(vec![Uncompiled::Message(
                        "messageExpression must evaluate to a string".into(),
                    )]);
                }
                Some(expr)
            }
        };
        let named =
            [text("message"), text("rule")].into_iter().find(|text| !text.is_empty()).unwrap_or_default();
        Ok(Some(Self {
            uses_old: expr.mentions("oldSelf"),
            expr,
            message_expr,
            text: named.trim().into(),
            message: text("message").trim().into(),
            message_source: source.into(),
            reason: text("reason").into(),
            path: Some(text("fieldPath"))
                .filter(|path| !path.is_empty())
                .and_then(|path| field_path::normal(path, schema).ok()),
            optional_old,
        }))
    }

    /// What it may cost at most for one value, and what its message may.
    pub(crate) fn estimate(&self, of: &Sizes) -> (u64, Option<u64>) {
        (estimate(&self.expr, of), self.message_expr.as_ref().map(|expr| estimate(expr, of)))
    }

    /// Checks one value. What is left of the budget comes back; negative where nothing more is to be checked.
    pub(crate) fn apply(&self, site: &Site<'_>, budget: i64) -> (Vec<FieldError>, i64) {
        if self.uses_old && site.old.is_none() && !self.optional_old {
            return (Vec::new(), budget);
        }
        let scope = SelfScope { site, optional_old: self.optional_old };
        let (value, cost) = Eval::new(&scope, None, PER_CALL).run(&self.expr);
        let cost = i64::try_from(cost).unwrap_or(i64::MAX);
        if cost > budget {
            return (vec![site.error(None, OUT_OF_BUDGET.into())], -1);
        }
        let left = budget - cost;
        match value {
            Ok(Val::Bool(true)) => (Vec::new(), left),
            Ok(_) => self.refuse(site, &scope, left),
            Err(Fault::TooExpensive) => {
                let text = format!(
                    "'operation cancelled: actual cost limit exceeded': no further validation rules will be run due to call cost exceeds limit for rule: {}",
                    self.text
                );
                (vec![site.error(None, text)], -1)
            }
            Err(Fault::Failed(why)) if why.starts_with("no such overload") => {
                let text = format!(
                    "'{why}': call arguments did not match a supported operator, function or macro signature for rule: {}",
                    self.text
                );
                (vec![site.error(None, text)], left)
            }
            Err(Fault::Failed(why)) => {
                (vec![site.error(None, format!("{why} evaluating rule: {}", self.text))], left)
            }
        }
    }

    fn refuse(&self, site: &Site<'_>, scope: &SelfScope<'_>, budget: i64) -> (Vec<FieldError>, i64) {
        let fallback = match self.message.is_empty() {
            true => format!("failed rule: {}", self.text),
            false => self.message.clone(),
        };
        let (detail, left) = match &self.message_expr {
            None => (Ok(fallback), budget),
            Some(expr) => self.message(expr, scope, fallback, budget),
        };
        if !self.uses_old && site.unchanged {
            return (Vec::new(), left);
        }
        match detail {
            Ok(detail) => (vec![self.error(site, detail)], left),
            Err(detail) => (vec![site.error(self.path.as_deref(), detail)], -1),
        }
    }

    fn message(
        &self,
        expr: &Expr,
        scope: &SelfScope<'_>,
        fallback: String,
        budget: i64,
    ) -> (Result<String, String>, i64) {
        let (value, cost) = Eval::new(scope, None, PER_CALL).run(expr);
        let cost = i64::try_from(cost).unwrap_or(i64::MAX);
        if cost > budget {
            let text = "messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run";
            return (Err(text.into()), -1);
        }
        match value {
            Err(Fault::TooExpensive) => {
                let source = &self.message_source;
                (
                    Err(format!(
                        "no further validation rules will be run due to call cost exceeds limit for messageExpression: {source:?}"
                    )),
                    -1,
                )
            }
            Ok(Val::String(text)) if is_message(&text) => (Ok(text.trim().to_owned()), budget - cost),
            _ => (Ok(fallback), budget - cost),
        }
    }

    fn error(&self, site: &Site<'_>, detail: String) -> FieldError {
        let mistake = match &*self.reason {
            "FieldValueForbidden" => Mistake::Forbidden,
            "FieldValueRequired" => Mistake::Required,
            "FieldValueDuplicate" => Mistake::Duplicate,
            _ => Mistake::Invalid,
        };
        let composite = matches!(site.schema.str_at(&["type"]), Some("object" | "array"));
        let shown = !composite && !matches!(mistake, Mistake::Forbidden | Mistake::Required);
        FieldError {
            mistake,
            field: site.field(self.path.as_deref()),
            value: shown.then(|| site.value.clone()),
            detail: if mistake == Mistake::Duplicate { String::new() } else { detail },
        }
    }
}

/// Longer messages, and those of several lines, are not shown.
fn is_message(text: &str) -> bool {
    let text = text.trim();
    !text.is_empty() && text.len() <= 5 * 1024 && !text.contains('\n')
}

pub(crate) const OUT_OF_BUDGET: &str =
    "validation failed due to running out of cost budget, no further validation rules will be run";

/// A value that rules are checked on.
pub(crate) struct Site<'a> {
    pub(crate) schema: &'a Value,
    /// The schema with what every object has, as far as the value is a whole one.
    pub(crate) full: &'a Value,
    pub(crate) value: &'a Value,
    pub(crate) old: Option<&'a Value>,
    /// Whether it, or the nearest thing around it that can be found in the old object, is as it was.
    pub(crate) unchanged: bool,
    pub(crate) at: &'a At<'a>,
}

impl Site<'_> {
    fn field(&self, path: Option<&str>) -> String {
        let base = self.at.to_string();
        match (base.is_empty(), path) {
            (true, None) => "<nil>".into(),
            (true, Some(path)) => path.into(),
            (false, None) => base,
            (false, Some(path)) if path.starts_with('[') => format!("{base}{path}"),
            (false, Some(path)) => format!("{base}.{path}"),
        }
    }

    /// A mistake of the rule, not of the value: the type stands for the value.
    pub(crate) fn error(&self, path: Option<&str>, detail: String) -> FieldError {
        let of = self.schema.str_at(&["type"]).unwrap_or_default();
        FieldError { mistake: Mistake::Invalid, field: self.field(path), value: Some(of.into()), detail }
    }
}

struct SelfScope<'a> {
    site: &'a Site<'a>,
    optional_old: bool,
}

impl Variables for SelfScope<'_> {
    fn get(&self, name: &str) -> Option<Result<Val, Fault>> {
        let typed = |value: &Value| {
            Val::of(value, crate::val::Shape::Schema(self.site.full.clone())).map_err(Fault::Failed)
        };
        match (name, self.site.old, self.optional_old) {
            ("self", ..) => Some(typed(self.site.value)),
            ("oldSelf", Some(old), false) => Some(typed(old)),
            ("oldSelf", Some(old), true) => Some(typed(old).map(Val::some)),
            ("oldSelf", None, true) => Some(Ok(Val::Optional(None))),
            _ => None,
        }
    }
}
