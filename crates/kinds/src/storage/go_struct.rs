//! The server's own types as Go prints them for a difference: every field by its name in Go, in the order of the type, whether
//! it is set or not.

use lockstep_core::{Value, to_json};

use crate::meta::View;

/// How a field is printed.
pub(super) enum Form {
    /// As JSON has it, or this text where it is absent.
    Plain(&'static str),
    /// A struct that is always there.
    Struct(&'static [Field]),
    /// A struct that may be absent.
    Pointer(&'static [Field]),
    /// A type with names for JSON: these fields in this order, where they are set.
    Tagged(&'static [&'static str]),
    /// A type of which only the names that are set are known; the rest of it is not printed.
    Known,
}

/// A field: its name in Go, its name in JSON, its form.
pub(super) type Field = (&'static str, &'static str, Form);

const NULL: Form = Form::Plain("null");
const TEXT: Form = Form::Plain("\"\"");
const FALSE: Form = Form::Plain("false");
const SECRET: &[Field] = &[("Name", "name", TEXT), ("Namespace", "namespace", TEXT)];

/// `PersistentVolumeClaimSpec`.
pub(super) const CLAIM_SPEC: &[Field] = &[
    ("AccessModes", "accessModes", NULL),
    ("Selector", "selector", Form::Tagged(&["matchLabels", "matchExpressions"])),
    ("Resources", "resources", Form::Struct(&[("Limits", "limits", NULL), ("Requests", "requests", NULL)])),
    ("VolumeName", "volumeName", TEXT),
    ("StorageClassName", "storageClassName", NULL),
    ("VolumeMode", "volumeMode", NULL),
    (
        "DataSource",
        "dataSource",
        Form::Pointer(&[("APIGroup", "apiGroup", NULL), ("Kind", "kind", TEXT), ("Name", "name", TEXT)]),
    ),
    (
        "DataSourceRef",
        "dataSourceRef",
        Form::Pointer(&[
            ("APIGroup", "apiGroup", NULL),
            ("Kind", "kind", TEXT),
            ("Name", "name", TEXT),
            ("Namespace", "namespace", NULL),
        ]),
    ),
    ("VolumeAttributesClassName", "volumeAttributesClassName", NULL),
];

/// `PersistentVolumeSource`.
pub(super) const VOLUME_SOURCE: &[Field] = &[
    ("GCEPersistentDisk", "gcePersistentDisk", Form::Known),
    ("AWSElasticBlockStore", "awsElasticBlockStore", Form::Known),
    ("HostPath", "hostPath", Form::Pointer(&[("Path", "path", TEXT), ("Type", "type", NULL)])),
    ("Glusterfs", "glusterfs", Form::Known),
    (
        "NFS",
        "nfs",
        Form::Pointer(&[("Server", "server", TEXT), ("Path", "path", TEXT), ("ReadOnly", "readOnly", FALSE)]),
    ),
    ("RBD", "rbd", Form::Known),
    ("ISCSI", "iscsi", Form::Known),
    ("Cinder", "cinder", Form::Known),
    ("CephFS", "cephfs", Form::Known),
    ("FC", "fc", Form::Known),
    ("Flocker", "flocker", Form::Known),
    ("FlexVolume", "flexVolume", Form::Known),
    ("AzureFile", "azureFile", Form::Known),
    ("VsphereVolume", "vsphereVolume", Form::Known),
    ("Quobyte", "quobyte", Form::Known),
    ("AzureDisk", "azureDisk", Form::Known),
    ("PhotonPersistentDisk", "photonPersistentDisk", Form::Known),
    ("PortworxVolume", "portworxVolume", Form::Known),
    ("ScaleIO", "scaleIO", Form::Known),
    ("Local", "local", Form::Pointer(&[("Path", "path", TEXT), ("FSType", "fsType", NULL)])),
    ("StorageOS", "storageos", Form::Known),
    (
        "CSI",
        "csi",
        Form::Pointer(&[
            ("Driver", "driver", TEXT),
            ("VolumeHandle", "volumeHandle", TEXT),
            ("ReadOnly", "readOnly", FALSE),
            ("FSType", "fsType", TEXT),
            ("VolumeAttributes", "volumeAttributes", NULL),
            ("ControllerPublishSecretRef", "controllerPublishSecretRef", Form::Pointer(SECRET)),
            ("NodeStageSecretRef", "nodeStageSecretRef", Form::Pointer(SECRET)),
            ("NodePublishSecretRef", "nodePublishSecretRef", Form::Pointer(SECRET)),
            ("ControllerExpandSecretRef", "controllerExpandSecretRef", Form::Pointer(SECRET)),
            ("NodeExpandSecretRef", "nodeExpandSecretRef", Form::Pointer(SECRET)),
        ]),
    ),
];

/// The lines of a struct, each depth indented by one blank.
pub(super) fn lines(value: &Value, fields: &[Field]) -> Vec<String> {
    let mut text = String::new();
    write_struct(&mut text, (value, fields), 0);
    text.split('\n').map(str::to_owned).collect()
}

fn write_struct(text: &mut String, (value, fields): (&Value, &[Field]), depth: usize) {
    let entries = fields.iter().map(|(go, json, form)| (*go, (value.child(json), form)));
    write_entries(text, entries, depth, |text, (value, form), depth| write_form(text, (value, form), depth));
}

fn write_form(text: &mut String, (value, form): (&Value, &Form), depth: usize) {
    match (form, value) {
        (Form::Struct(fields), value) => write_struct(text, (value, fields), depth),
        (Form::Plain(zero), Value::Null) => text.push_str(zero),
        (_, Value::Null) => text.push_str("null"),
        (Form::Pointer(fields), value) => write_struct(text, (value, fields), depth),
        (Form::Tagged(names), value) => {
            let entries = names.iter().filter_map(|name| Some((*name, value.get(name)?)));
            write_entries(text, entries, depth, write_json);
        }
        (Form::Plain(_) | Form::Known, value) => write_json(text, value, depth),
    }
}

fn write_json(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Map(entries) => {
            write_entries(text, entries.iter().map(|(key, value)| (&**key, value)), depth, write_json);
        }
        Value::List(items) if !items.is_empty() => {
            text.push('[');
            for (index, item) in items.iter().enumerate() {
                line(text, index, depth + 1);
                write_json(text, item, depth + 1);
            }
            line(text, 0, depth);
            text.push(']');
        }
        scalar => text.push_str(&String::from_utf8_lossy(&to_json(scalar))),
    }
}

fn write_entries<'v, T>(
    text: &mut String,
    entries: impl Iterator<Item = (&'v str, T)>,
    depth: usize,
    write: impl Fn(&mut String, T, usize),
) {
    let entries: Vec<_> = entries.collect();
    if entries.is_empty() {
        text.push_str("{}");
        return;
    }
    text.push('{');
    for (index, (key, value)) in entries.into_iter().enumerate() {
        line(text, index, depth + 1);
        text.push_str(&format!("\"{key}\": "));
        write(text, value, depth + 1);
    }
    line(text, 0, depth);
    text.push('}');
}

/// A new line, behind a comma for all but the first entry.
fn line(text: &mut String, index: usize, depth: usize) {
    text.push_str(if index > 0 { ",\n" } else { "\n" });
    text.push_str(&" ".repeat(depth));
}
