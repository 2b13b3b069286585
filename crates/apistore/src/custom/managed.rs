//! Who owns what the server's own controllers write.

use std::sync::{Arc, LazyLock};

use lockstep_core::{Gvk, Timestamp, Value};
use schema::{Convert, ConvertError, Definitions, FieldManager, IgnoredFields, Schema, Write};

static KIND: LazyLock<Gvk> =
    LazyLock::new(|| Gvk::new("apiextensions.k8s.io", "v1", "CustomResourceDefinition"));

/// The schema of definitions; there is one version.
struct OneVersion(Schema);

impl Convert for OneVersion {
    fn schema(&self, api_version: &str) -> Option<Schema> {
        (api_version == "apiextensions.k8s.io/v1").then(|| self.0.clone())
    }

    fn convert(&self, object: &Value, api_version: &str) -> Result<Value, ConvertError> {
        self.schema(api_version).map(|_| object.clone()).ok_or(ConvertError::MissingVersion)
    }
}

static SCHEMA: LazyLock<Option<Schema>> = LazyLock::new(|| {
    let definitions: Arc<Definitions> = Definitions::built_in();
    definitions.kind(&KIND)
});

/// A definition as a controller has changed its status.
pub(crate) fn managed_by_server(before: &Value, changed: Value, now: Timestamp) -> Value {
    let Some(schema) = SCHEMA.as_ref() else { return changed };
    let (versions, ignored, empty) = (OneVersion(schema.clone()), IgnoredFields::new(), Value::Null);
    let manager = FieldManager {
        kind: &KIND,
        subresource: "status",
        convert: &versions,
        ignored: &ignored,
        empty: &empty,
    };
    manager.update(Some(before), &changed, Write { manager: "kube-apiserver", now })
}
