//! The order in which the objects of one Application are applied.

use std::fmt;

use crate::value::Value;

/// Where an object goes in a sync: lower waves come first, each when the one before is applied and healthy. 0 where an object says
/// nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wave(pub i64);

impl Wave {
    /// The annotation by which an object names its wave.
    pub const ANNOTATION: &str = "lockstep.dev/wave";
    /// Argo CD's annotation for the same.
    pub const ARGO_CD: &str = "argocd.argoproj.io/sync-wave";

    /// Parses a decimal integer, with a sign if it likes: what Argo CD reads as well.
    pub fn parse(text: &str) -> Option<Self> {
        text.parse().ok().map(Self)
    }

    /// The wave that an object names: our annotation decides, then Argo CD's. What is no integer names none.
    pub fn of(object: &Value) -> Self {
        let named = |name| object.str_at(&["metadata", "annotations", name]).and_then(Self::parse);
        named(Self::ANNOTATION).or_else(|| named(Self::ARGO_CD)).unwrap_or_default()
    }
}

impl fmt::Display for Wave {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::from_json;

    #[test]
    fn ours_decides_and_what_is_no_integer_says_nothing() {
        for (annotations, expected) in [
            ("{}", 0),
            (r#"{"lockstep.dev/wave": "-3"}"#, -3),
            (r#"{"lockstep.dev/wave": "+9223372036854775807"}"#, i64::MAX),
            (r#"{"argocd.argoproj.io/sync-wave": "5"}"#, 5),
            (r#"{"argocd.argoproj.io/sync-wave": "5", "lockstep.dev/wave": "2"}"#, 2),
            (r#"{"argocd.argoproj.io/sync-wave": "first"}"#, 0),
            (r#"{"argocd.argoproj.io/sync-wave": "1.5"}"#, 0),
            (r#"{"lockstep.dev/wave": 4}"#, 0),
        ] {
            let object = from_json(format!(r#"{{"metadata":{{"annotations":{annotations}}}}}"#).as_bytes());
            assert_eq!(Wave::of(&object.unwrap()), Wave(expected), "{annotations}");
        }
    }
}
