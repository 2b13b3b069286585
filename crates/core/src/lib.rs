//! The domain vocabulary: what every other room talks about.
//!
//! No clock, no client, no file system: plain values that are parsed at the edge and compared inside. Kubernetes'
//! wire types live in `api` and `cluster`; they never meet this crate.

mod application;
mod calendar;
mod dependency;
mod digest;
mod elide;
mod finding;
mod foreign;
mod health;
mod hook;
mod json;
mod key;
mod label_selector;
mod manner;
mod object;
mod origin;
mod owner;
mod path;
mod record;
mod revision;
mod run;
mod secret;
mod selection;
mod value;
mod wave;

pub use application::{
    AppKey, Application, Budget, DeletionPolicy, Destination, Directory, GitSource, NamespaceMetadata,
    Propagation, Retry, Source, SyncMode, SyncPolicy,
};
pub use calendar::Date;
pub use dependency::Dependency;
pub use digest::{Digest, Hasher, Key};
pub use elide::elide;
pub use finding::{Finding, Severity};
pub use foreign::{
    ARGO_CD_TRACKING, IGNORE_HEALTH_ANNOTATION, Meaning, PRUNE_ANNOTATION, Said, ignores_health,
    is_never_pruned, is_pruned_last, is_pruned_when_confirmed, overruled, said,
};
pub use health::{Health, HealthState};
pub use hook::{
    ARGO_CD_HOOK, HELM_HOOK, HOOK_ANNOTATION, HOOK_DELETE_ANNOTATION, HOOK_ON_ANNOTATION,
    HOOK_RETRIES_ANNOTATION, HOOK_TIMEOUT_ANNOTATION, Hook, HookDelete, HookOn, Phase, Role, parse_delete,
    parse_retries, parse_timeout,
};
pub use json::{ParseError, from_json, to_json};
pub use key::{ApiVersion, GroupKind, Gvk, ObjectKey};
pub use label_selector::LabelSelector;
pub use manner::{MANNER_ANNOTATION, Manner, Treatment};
pub use object::{DesiredObject, LiveObject, ManagedEntry, OwnerRef};
pub use origin::Origin;
pub use owner::{OWNER_ANNOTATION, Owner};
pub use path::{FieldPath, PathElement};
pub use record::{AppRecord, ObjectRecord};
pub use revision::{Commit, CommitId, RepoUrl, Timestamp};
pub use run::{HookEnd, HookFailure, Run, RunScope, RunStage};
pub use secret::Secret;
pub use selection::Selection;
pub use value::{Map, Value};
pub use wave::Wave;
