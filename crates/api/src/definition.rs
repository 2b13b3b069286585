//! CustomResourceDefinitions.

use lockstep_core::{Map, Value};

use crate::schema::Schema;
use crate::{GROUP, VERSION};

/// A column of `kubectl get`.
pub(crate) struct Column {
    /// Its heading.
    pub(crate) name: &'static str,
    /// Its OpenAPI type; `date` prints as an age.
    pub(crate) kind: &'static str,
    /// Where the cell comes from.
    pub(crate) path: &'static str,
    /// Whether it is there without `-o wide`.
    pub(crate) width: Width,
}

/// When a column is shown.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Width {
    /// Always.
    Normal,
    /// With `-o wide`.
    Wide,
}

/// One kind of the group.
pub(crate) struct Definition {
    pub(crate) kind: &'static str,
    pub(crate) plural: &'static str,
    pub(crate) short: &'static [&'static str],
    pub(crate) scope: &'static str,
    pub(crate) columns: Vec<Column>,
    pub(crate) about: &'static str,
    pub(crate) spec: Schema,
    pub(crate) status: Schema,
}

impl Definition {
    /// The CustomResourceDefinition.
    pub(crate) fn into_value(self) -> Value {
        let mut crd = Value::map(Map::new());
        crd.set(&["apiVersion"], "apiextensions.k8s.io/v1".into());
        crd.set(&["kind"], "CustomResourceDefinition".into());
        crd.set(&["metadata", "name"], format!("{}.{GROUP}", self.plural).into());
        crd.set(&["metadata", "labels", "app.kubernetes.io/part-of"], "lockstep".into());
        crd.set(&["spec", "group"], GROUP.into());
        crd.set(&["spec", "scope"], self.scope.into());
        crd.set(&["spec", "names"], self.names());
        crd.set(&["spec", "versions"], Value::list(vec![self.version()]));
        crd
    }

    fn names(&self) -> Value {
        let mut names = Value::map(Map::new());
        names.set(&["kind"], self.kind.into());
        names.set(&["listKind"], format!("{}List", self.kind).into());
        names.set(&["plural"], self.plural.into());
        names.set(&["singular"], self.kind.to_ascii_lowercase().into());
        names.set(&["shortNames"], Value::list(self.short.iter().map(|name| (*name).into()).collect()));
        names.set(&["categories"], Value::list(vec!["lockstep".into()]));
        names
    }

    fn version(self) -> Value {
        let mut version = Value::map(Map::new());
        version.set(&["name"], VERSION.into());
        version.set(&["served"], true.into());
        version.set(&["storage"], true.into());
        version.set(&["subresources", "status"], Value::map(Map::new()));
        version.set(
            &["additionalPrinterColumns"],
            Value::list(self.columns.iter().map(Column::value).collect()),
        );
        let root = Schema::fields(vec![
            ("apiVersion", Schema::text().about("Always lockstep.dev/v1alpha1.")),
            ("kind", Schema::text().about("The name of the kind.")),
            ("metadata", Schema::object()),
            ("spec", self.spec),
            ("status", self.status),
        ]);
        let root = root.about(self.about).required(&["spec"]).into_value();
        version.set(&["schema", "openAPIV3Schema"], root);
        version
    }
}

impl Column {
    fn value(&self) -> Value {
        let mut column = Value::map(Map::new());
        column.set(&["name"], self.name.into());
        column.set(&["type"], self.kind.into());
        column.set(&["jsonPath"], self.path.into());
        if self.width == Width::Wide {
            column.set(&["priority"], 1.into());
        }
        column
    }
}

#[cfg(test)]
mod tests {
    use lockstep_core::Value;

    use crate::custom_resources;

    fn check(path: &str, value: &Value) {
        match value {
            Value::Map(entries) => {
                let defaulted = path.ends_with(".default") || path.ends_with(".status");
                assert!(defaulted || !entries.is_empty(), "{path} is empty: the server drops it");
                for (key, child) in entries.iter() {
                    check(&format!("{path}.{key}"), child);
                }
            }
            Value::List(items) => {
                assert!(!items.is_empty(), "{path} is empty: the server drops it");
                items.iter().for_each(|item| check(&format!("{path}[]"), item));
            }
            Value::Int(number) => assert!(number.abs() < 1 << 53, "{path}: the server makes it a float"),
            _ => {}
        }
    }

    /// What the server keeps otherwise than it was written would be applied again and again.
    #[test]
    fn definitions_are_written_as_the_server_keeps_them() {
        for (file, definition) in custom_resources() {
            check(file, &definition);
        }
    }
}
