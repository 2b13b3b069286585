//! Types that become known as an expression is read.

use std::sync::Arc;

use crate::signature::Signature;
use crate::types::Type;

/// What is known of the types that were not known first.
#[derive(Default)]
pub(super) struct Infer {
    bound: Vec<Option<Type>>,
}

impl Infer {
    pub(super) fn fresh(&mut self) -> Type {
        self.bound.push(None);
        Type::Var(self.bound.len() - 1)
    }

    /// The type as far as it is known.
    pub(super) fn resolved(&self, of: &Type) -> Type {
        match of {
            Type::Var(index) => match self.bound.get(*index).and_then(Option::as_ref) {
                Some(known) => self.resolved(known),
                None => of.clone(),
            },
            Type::List(item) => Type::List(Arc::new(self.resolved(item))),
            Type::Map(key, value) => Type::Map(Arc::new(self.resolved(key)), Arc::new(self.resolved(value))),
            Type::Optional(inner) => Type::Optional(Arc::new(self.resolved(inner))),
            Type::Kind(inner) => Type::Kind(Arc::new(self.resolved(inner))),
            other => other.clone(),
        }
    }

    /// Whether a value of one type can stand where another is wanted; what that says about types is kept if so.
    pub(super) fn assign(&mut self, want: &Type, of: &Type) -> bool {
        let before = self.bound.clone();
        let fits = self.unify(want, of);
        if !fits {
            self.bound = before;
        }
        fits
    }

    /// The more general of two types that fit.
    pub(super) fn wider(&self, a: &Type, b: &Type) -> Type {
        let (a, b) = (self.resolved(a), self.resolved(b));
        match (&a, &b) {
            (_, Type::Dyn) | (Type::Null | Type::Var(_), _) => b,
            _ => a,
        }
    }

    /// What a call gives, if it can be made with values of these types.
    pub(super) fn apply(&mut self, signature: &Signature, types: &[Type]) -> Option<Type> {
        let before = self.bound.clone();
        let (a, b) = (self.fresh(), self.fresh());
        let takes: Vec<Type> = signature.takes.iter().map(|of| instance(of, &a, &b)).collect();
        if takes.iter().zip(types).all(|(want, of)| self.unify(want, of)) {
            let gives = instance(&signature.gives, &a, &b);
            return Some(self.resolved(&gives));
        }
        self.bound = before;
        None
    }

    fn unify(&mut self, want: &Type, of: &Type) -> bool {
        let (want, of) = (self.resolved(want), self.resolved(of));
        match (&want, &of) {
            (Type::Var(a), Type::Var(b)) if a == b => true,
            (Type::Var(index), other) | (other, Type::Var(index)) => {
                self.bound[*index] = Some(other.clone());
                true
            }
            (Type::Dyn, _) | (_, Type::Dyn) => true,
            (Type::Null, Type::Null) => true,
            (Type::Null, other) | (other, Type::Null) => matches!(
                other,
                Type::Object(_) | Type::Named(_) | Type::Time | Type::Duration | Type::Optional(_)
            ),
            (Type::List(a), Type::List(b)) | (Type::Optional(a), Type::Optional(b)) => self.unify(a, b),
            (Type::Kind(_), Type::Kind(_)) => true,
            (Type::Map(key, value), Type::Map(other, inner)) => {
                self.unify(key, other) && self.unify(value, inner)
            }
            (Type::Object(a), Type::Object(b)) => a == b,
            _ => want == of,
        }
    }
}

/// A type of a signature with its unknown parts put in.
fn instance(of: &Type, a: &Type, b: &Type) -> Type {
    match of {
        Type::Var(0) => a.clone(),
        Type::Var(_) => b.clone(),
        Type::List(item) => Type::List(Arc::new(instance(item, a, b))),
        Type::Map(key, value) => Type::Map(Arc::new(instance(key, a, b)), Arc::new(instance(value, a, b))),
        Type::Optional(inner) => Type::Optional(Arc::new(instance(inner, a, b))),
        Type::Kind(inner) => Type::Kind(Arc::new(instance(inner, a, b))),
        other => other.clone(),
    }
}
