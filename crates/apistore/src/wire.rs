//! Objects as the server's own types read them: what they do not know is gone.

use lockstep_core::{Gvk, Value};

use crate::served::{Rules, Served};

/// Makes the object what the server would have read, with defaults, and names the fields that it does not know. The error is
/// Go's: a value of another type than the field.
pub(crate) fn read(served: &Served, kind: &Gvk, object: &mut Value) -> Result<Vec<String>, String> {
    if *kind != served.gvk {
        return Ok(Vec::new());
    }
    match &served.rules {
        Rules::BuiltIn(strategy) => {
            (strategy.default)(object);
            Ok(Vec::new())
        }
        Rules::Custom(custom) => {
            let version = &kind.api.version;
            custom.drop_nulls(object, version);
            custom.default(object, version);
            Ok(custom.prune(object, version))
        }
    }
}

/// Fills in the defaults of an object that the server itself has made of others.
pub(crate) fn default(served: &Served, object: &mut Value) {
    match &served.rules {
        Rules::BuiltIn(strategy) => (strategy.default)(object),
        Rules::Custom(custom) => custom.default(object, &served.gvk.api.version),
    }
}
