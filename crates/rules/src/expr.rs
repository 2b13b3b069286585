//! Expressions of CEL as they are read: macros are nodes of their own.

use std::sync::Arc;

use crate::val::Val;

/// One node. `at` is the place that an error about it shows, in characters from the start of the text.
#[derive(Clone, Debug)]
pub(crate) struct Expr {
    pub(crate) at: usize,
    /// How many nodes are below it at most, one below the other.
    pub(crate) depth: usize,
    pub(crate) kind: Kind,
}

#[derive(Clone, Debug)]
pub(crate) enum Kind {
    Const(Val),
    Ident(Arc<str>),
    Select {
        of: Box<Expr>,
        field: Arc<str>,
        optional: bool,
    },
    /// `has(of.field)`
    Has {
        of: Box<Expr>,
        field: Arc<str>,
    },
    /// Operators are functions too: `_+_`, `_[_]`, `_?_:_`, `_[?_]`, `@in`.
    Call {
        function: Arc<str>,
        target: Option<Box<Expr>>,
        args: Vec<Expr>,
    },
    /// Items that are optional are left out where they are empty.
    List(Vec<(bool, Expr)>),
    Map(Vec<(bool, Expr, Expr)>),
    Message {
        name: Arc<str>,
        fields: Vec<MessageField>,
    },
    Fold(Box<Fold>),
    /// `of.optMap(name, body)`, or `optFlatMap`.
    Optional {
        of: Box<Expr>,
        name: Arc<str>,
        body: Box<Expr>,
        flat: bool,
    },
}

/// A field of a message; one that is optional is left out where it is empty.
#[derive(Clone, Debug)]
pub(crate) struct MessageField {
    /// The place of the colon.
    pub(crate) at: usize,
    pub(crate) optional: bool,
    pub(crate) name: Arc<str>,
    pub(crate) value: Expr,
}

/// What a macro does for every item of a list or entry of a mapping.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    All,
    Exists,
    ExistsOne,
    Filter,
    List,
    Map,
    MapEntry,
}

#[derive(Clone, Debug)]
pub(crate) struct Fold {
    pub(crate) what: What,
    pub(crate) range: Expr,
    /// One name: the item, or the key. Two: index and item, or key and value.
    pub(crate) names: Vec<Arc<str>>,
    pub(crate) only: Option<Expr>,
    pub(crate) body: Expr,
}

impl Expr {
    pub(crate) fn new(at: usize, kind: Kind) -> Self {
        let mut depth = 0;
        for_each_child(&kind, &mut |child: &Self| depth = depth.max(child.depth));
        Self { at, depth: depth + 1, kind }
    }

    /// Whether a variable is mentioned.
    pub(crate) fn mentions(&self, name: &str) -> bool {
        if matches!(&self.kind, Kind::Ident(ident) if &**ident == name) {
            return true;
        }
        let mut found = false;
        for_each_child(&self.kind, &mut |child: &Self| found = found || child.mentions(name));
        found
    }
}

fn for_each_child(kind: &Kind, visit: &mut dyn FnMut(&Expr)) {
    match kind {
        Kind::Const(_) | Kind::Ident(_) => {}
        Kind::Select { of, .. } | Kind::Has { of, .. } => visit(of),
        Kind::Call { target, args, .. } => {
            target.iter().for_each(|target| visit(target));
            args.iter().for_each(visit);
        }
        Kind::List(items) => items.iter().for_each(|(_, item)| visit(item)),
        Kind::Map(entries) => entries.iter().for_each(|(_, key, value)| {
            visit(key);
            visit(value);
        }),
        Kind::Message { fields, .. } => fields.iter().for_each(|field| visit(&field.value)),
        Kind::Fold(fold) => {
            visit(&fold.range);
            fold.only.iter().for_each(&mut *visit);
            visit(&fold.body);
        }
        Kind::Optional { of, body, .. } => {
            visit(of);
            visit(body);
        }
    }
}

/// A mistake in an expression, where it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Issue {
    pub(crate) at: usize,
    pub(crate) text: String,
}

/// The issues as cel-go prints them, with the line and a mark under it.
pub(crate) fn shown(issues: &[Issue], source: &str) -> String {
    let mut sorted: Vec<&Issue> = issues.iter().collect();
    sorted.sort_by_key(|issue| issue.at);
    sorted.iter().map(|issue| show(issue, source)).collect::<Vec<_>>().join("\n")
}

fn show(issue: &Issue, source: &str) -> String {
    let before: String = source.chars().take(issue.at).collect();
    let line = before.matches('\n').count();
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count();
    let text = source.split('\n').nth(line).unwrap_or_default().replace('\t', " ");
    let dots: String =
        text.chars().take(column).map(|char| if char.is_ascii() { '.' } else { '．' }).collect();
    let mark = match text.chars().nth(column) {
        Some(char) if !char.is_ascii() => '＾',
        _ => '^',
    };
    format!("ERROR: <input>:{}:{}: {}\n | {text}\n | {dots}{mark}", line + 1, column + 1, issue.text)
}
