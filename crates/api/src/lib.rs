//! Everything that crosses a process boundary: custom resources with their schemas, status and conditions, records, intents
//! and credentials; from the wire to the vocabulary, collecting all findings.
//!
//! It talks to no server: it makes and reads values.

mod application;
mod application_definition;
mod conditions;
mod credential;
mod definition;
mod duration;
mod fields;
mod install;
mod instance;
mod intent;
mod patch;
mod project;
mod project_definition;
mod record;
mod reference;
mod schema;
mod shard;
mod status;
mod status_schema;

pub use application::{application, application_in_file, claimant};
pub use application_definition::application_definition;
pub use conditions::{Obstacle, Reason, Standing, conditions, list_items, ready_reason};
pub use credential::{Asker, Credential, Login, choose_credential, credential};
pub use duration::parse_duration;
pub use fields::{Locate, Part};
pub use install::{Install, custom_resources, install};
pub use instance::{KeyError, instance_key, instance_key_name, instance_key_secret};
pub use intent::{
    ABORT_ANNOTATION, APPROVE_ANNOTATION, Intents, ONLY, PRUNE_FINALIZER, REFRESH_ANNOTATION, Requests,
    SYNC_ANNOTATION, has_finalizer,
};
pub use project::{Project, project};
pub use project_definition::{default_project, project_definition};
pub use record::{Records, ShardError, StoredRecord, read_records};
pub use reference::application_reference;
pub use shard::{Shard, Sharding, record_selector};
pub use status::{
    Condition, ConditionType, Counts, Handled, HealthStatus, HistoryEntry, Operation, OperationPhase, Status,
    SyncState, SyncStatus,
};

/// The API group.
pub const GROUP: &str = "lockstep.dev";
/// The group's version.
pub const VERSION: &str = "v1alpha1";
/// Group and version as resources write them.
pub const API_VERSION: &str = "lockstep.dev/v1alpha1";
/// The Project of Applications that name none; made at start, allows everything.
pub const DEFAULT_PROJECT: &str = "default";
/// The destination that is the API server which the controller itself uses.
pub const IN_CLUSTER: &str = "in-cluster";
/// The label that tells our Secrets apart: `record`, `instance-key`, `repository`.
pub const TYPE_LABEL: &str = "lockstep.dev/type";
/// The label with the name of the installation.
pub const INSTANCE_LABEL: &str = "lockstep.dev/instance";
