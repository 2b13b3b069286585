//! The rules of one kind.

use lockstep_core::Value;
use schema::FieldError;

/// The rules of one built-in kind. Values have been read as the server's own types are (fields that it does not know, and
/// empty ones that are not written, are gone; quantities are canonical), and are in the version in which the kind is stored,
/// except for `default`, which sees them in the version of the request.
///
/// A kind is a constant that says where it differs from [`Strategy::plain`].
#[derive(Clone, Copy)]
pub struct Strategy {
    /// The API group; empty for the core.
    pub group: &'static str,
    /// The kind.
    pub kind: &'static str,
    /// The versions that are served, the stored one first.
    pub versions: &'static [&'static str],
    /// From one served version to another; the object says which it is in. Sets `apiVersion`.
    pub convert: fn(object: Value, to: &str) -> Value,
    /// Fills in what the server's scheme defaults.
    pub default: fn(object: &mut Value),
    /// What a creator may not set is reset, before validation.
    pub prepare_create: fn(object: &mut Value),
    /// What a writer of the object itself may not set is taken from `old`, before validation.
    pub prepare_update: fn(object: &mut Value, old: &Value),
    /// What is wrong with an object that is to be created, `metadata` (see [`crate::strategy()`]) apart.
    pub validate: fn(object: &Value) -> Vec<FieldError>,
    /// What is wrong with an update, the rules of `validate` that hold for it included.
    pub validate_update: fn(object: &Value, old: &Value) -> Vec<FieldError>,
    /// The endpoint `status`, if there is one.
    pub status: Option<Status>,
    /// What a writer is warned of.
    pub warnings: fn(object: &Value, old: Option<&Value>) -> Vec<String>,
    /// Whether the name is valid; the text is the server's.
    pub name: fn(name: &str) -> Result<(), Vec<String>>,
    /// Whether an update raises `metadata.generation`: `None` for kinds that have none.
    pub generation: Option<fn(object: &Value, old: &Value) -> bool>,
    /// Whether an update may come without a resourceVersion.
    pub unconditional_update: bool,
    /// Whether an update creates what is not there.
    pub create_on_update: bool,
    /// What each endpoint does not let be set: nobody comes to own it there.
    pub reset: &'static [ResetField],
    /// The fields that a field selector may name besides `metadata.name` and `metadata.namespace`, with their values.
    pub selectable: fn(object: &Value) -> Vec<(&'static str, String)>,
}

/// The rules of an endpoint `status`.
#[derive(Clone, Copy)]
pub struct Status {
    /// What a writer of the status may not set is taken from `old`: everything but `status` and some of `metadata`.
    pub prepare_update: fn(object: &mut Value, old: &Value),
    /// What is wrong with the new status.
    pub validate_update: fn(object: &Value, old: &Value) -> Vec<FieldError>,
    /// What a writer of the status is warned of.
    pub warnings: fn(object: &Value) -> Vec<String>,
}

impl Status {
    /// Everything but the status is taken from `old`, and nothing is wrong with it.
    pub const PLAIN: Self = Self {
        prepare_update: |object, old| crate::meta::Edit::take_from(object, old, &["spec"]),
        validate_update: |_, _| Vec::new(),
        warnings: |_| Vec::new(),
    };
}

/// A field that an endpoint does not let be set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResetField {
    /// In which version.
    pub version: &'static str,
    /// Which endpoint: `` or `status`.
    pub subresource: &'static str,
    /// The field, as keys of mappings.
    pub path: &'static [&'static str],
}

impl Strategy {
    /// A kind without rules, spec or status.
    pub const fn plain(group: &'static str, kind: &'static str, versions: &'static [&'static str]) -> Self {
        Self {
            group,
            kind,
            versions,
            convert: |object, _| object,
            default: |_| {},
            prepare_create: |_| {},
            prepare_update: |_, _| {},
            validate: |_| Vec::new(),
            validate_update: |_, _| Vec::new(),
            status: None,
            warnings: |_, _| Vec::new(),
            name: |_| Ok(()),
            generation: None,
            unconditional_update: true,
            create_on_update: false,
            reset: &[],
            selectable: |_| Vec::new(),
        }
    }
}

/// The rules of a built-in kind; `None` for a kind without a file of its own, which is then named in the exclusions.
pub fn strategy(group: &str, kind: &str) -> Option<&'static Strategy> {
    KINDS.iter().find(|strategy| strategy.group == group && strategy.kind == kind).copied()
}

/// Every kind that has a file.
static KINDS: &[&Strategy] = &[
    &crate::pod::POD,
    &crate::pod_template_kind::POD_TEMPLATE,
    &crate::replication_controller::REPLICATION_CONTROLLER,
    &crate::deployment::DEPLOYMENT,
    &crate::replica_set::REPLICA_SET,
    &crate::stateful_set::STATEFUL_SET,
    &crate::daemon_set::DAEMON_SET,
    &crate::controller_revision::CONTROLLER_REVISION,
    &crate::job::JOB,
    &crate::cron_job::CRON_JOB,
    &crate::service::SERVICE,
    &crate::basic::CONFIG_MAP,
    &crate::basic::SECRET,
    &crate::basic::SERVICE_ACCOUNT,
    &crate::basic::NAMESPACE,
    &crate::basic::NODE,
    &crate::basic::EVENT,
    &crate::basic::NEW_EVENT,
    &crate::network::ENDPOINTS,
    &crate::network::ENDPOINT_SLICE,
    &crate::network::INGRESS,
    &crate::network::INGRESS_CLASS,
    &crate::network::NETWORK_POLICY,
    &crate::network::SERVICE_CIDR,
    &crate::network::IP_ADDRESS,
    &crate::policy::RESOURCE_QUOTA,
    &crate::policy::LIMIT_RANGE,
    &crate::policy::LEASE,
    &crate::policy::POD_DISRUPTION_BUDGET,
    &crate::policy::PRIORITY_CLASS,
    &crate::policy::RUNTIME_CLASS,
    &crate::storage::PERSISTENT_VOLUME,
    &crate::storage::PERSISTENT_VOLUME_CLAIM,
    &crate::storage::STORAGE_CLASS,
    &crate::storage::VOLUME_ATTRIBUTES_CLASS,
    &crate::storage::VOLUME_ATTACHMENT,
    &crate::storage::CSI_DRIVER,
    &crate::storage::CSI_NODE,
    &crate::storage::CSI_STORAGE_CAPACITY,
    &crate::access::ROLE,
    &crate::access::CLUSTER_ROLE,
    &crate::access::ROLE_BINDING,
    &crate::access::CLUSTER_ROLE_BINDING,
    &crate::access::CERTIFICATE_SIGNING_REQUEST,
    &crate::autoscaling::HORIZONTAL_POD_AUTOSCALER,
    &crate::api_service::API_SERVICE,
    &crate::crd::CUSTOM_RESOURCE_DEFINITION,
    &crate::flow::FLOW_SCHEMA,
    &crate::flow::PRIORITY_LEVEL_CONFIGURATION,
    &crate::admission::VALIDATING_WEBHOOKS,
    &crate::admission::MUTATING_WEBHOOKS,
    &crate::admission::VALIDATING_POLICY,
    &crate::admission::VALIDATING_BINDING,
    &crate::admission::MUTATING_POLICY,
    &crate::admission::MUTATING_BINDING,
    &crate::devices::DEVICE_CLASS,
    &crate::devices::DEVICE_TAINT_RULE,
    &crate::devices::RESOURCE_CLAIM,
    &crate::devices::RESOURCE_CLAIM_TEMPLATE,
    &crate::storage_migration::STORAGE_VERSION_MIGRATION,
];
