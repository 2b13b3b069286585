//! What an apply would do, for where nothing may be written or a comparison cannot tell.

use bytes::Bytes;
use cluster::{ApplyOptions, DryRun, Force, Priority};
use lockstep_core::{LiveObject, Value, to_json};
use plan::{DryRunOutcome, DryRunResult};

use crate::execute::Executor;
use crate::outcome::Failed;
use crate::refusal::failed;
use crate::step::Target;

/// Asks the API server what a forced apply would make of an object. `live` is what it is compared with, `None` where there is
/// none. The second value is the object as it would be, for a human diff.
///
/// An error means that nothing was learned, and that the question may be asked again.
pub async fn dry_run(
    executor: &Executor,
    asked: &plan::DryRun,
    live: Option<&LiveObject>,
) -> Result<(DryRunResult, Option<Value>), Failed> {
    let key = &asked.desired.key;
    let target = Target::new(executor, Priority::Bulk, key, &asked.desired.gvk)?;
    let options = ApplyOptions { dry_run: DryRun::Yes, ..target.options(Force::Yes) };
    let (outcome, value) = match target.send(Bytes::from(to_json(&asked.desired.value)), &options).await {
        Ok(written) => {
            let after = lockstep_core::from_json(written.object.bytes()).unwrap_or_default();
            let same = live.is_some_and(|live| substance(&after) == substance(&live.value));
            (if same { DryRunOutcome::Unchanged } else { DryRunOutcome::Changed }, Some(after))
        }
        Err(error) => {
            let refused = failed(&error);
            if refused.refusal == plan::Refusal::Unavailable {
                return Err(refused);
            }
            (DryRunOutcome::Refused(refused.message), None)
        }
    };
    let resource_version = asked.resource_version.clone();
    Ok((DryRunResult { digest: asked.desired.digest, resource_version, outcome }, value))
}

/// The object without what every write changes.
fn substance(object: &Value) -> Value {
    let mut object = object.clone();
    for name in ["managedFields", "resourceVersion", "generation"] {
        object.remove(&["metadata", name]);
    }
    object
}

#[cfg(test)]
mod tests {
    use lockstep_core::from_json;

    use super::*;

    #[test]
    fn bookkeeping_is_no_difference() {
        let parse = |text: &str| from_json(text.as_bytes()).unwrap();
        let before =
            parse(r#"{"metadata":{"name":"a","resourceVersion":"1","generation":1},"data":{"x":"1"}}"#);
        let after =
            parse(r#"{"metadata":{"name":"a","resourceVersion":"2","generation":2},"data":{"x":"1"}}"#);
        let changed = parse(r#"{"metadata":{"name":"a","resourceVersion":"2"},"data":{"x":"2"}}"#);
        assert_eq!(substance(&before), substance(&after));
        assert_ne!(substance(&before), substance(&changed));
    }
}
