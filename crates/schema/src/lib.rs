//! What the API server knows about the shape of objects.
//!
//! The sets of fields by which server-side apply tracks who owns what (`metadata.managedFields`, FieldsV1, as
//! sigs.k8s.io/structured-merge-diff writes them), the way from a value to the parts that such a set names, and structured
//! merge itself: schemas from OpenAPI, values that are checked against them, what such a value sets, what changed between
//! two, and one laid over another. On top of it, what every write does to `metadata.managedFields`: apply with conflicts and the
//! removal of what is no longer applied, and updates. Besides, the three kinds of patches, and pruning and defaulting of custom
//! resources.

mod built_in;
mod collect;
mod compare;
mod conflict;
mod definitions;
mod field_error;
mod field_manager;
mod field_set;
mod fields_v1;
mod go_text;
mod items;
mod json_patch;
mod last_applied;
mod managers;
mod merge;
mod merge_patch;
mod named;
mod navigate;
mod openapi;
mod openapi_shape;
mod ownership;
mod patch_error;
mod patch_meta;
mod pattern;
mod quantity;
mod reconcile;
mod remove;
mod repeated;
mod scale;
mod shape;
mod strategic;
mod strategic_order;
mod string_format;
mod structural;
mod type_error;
mod typed;
mod validation;
mod wire;

pub use compare::Comparison;
pub use conflict::{ApplyError, Conflict, ConvertError};
pub use definitions::{Definitions, Schema};
pub use field_error::{At, FieldError, Mistake};
pub use field_manager::{FieldManager, Write, keep_times};
pub use field_set::FieldSet;
pub use fields_v1::FieldsError;
pub use go_text::{go_float, plain as go_plain, server_path, type_name as go_type_name};
pub use json_patch::json_patch;
pub use managers::{Manager, Managers, ManagersError, Operation, Owned};
pub use merge_patch::merge_patch;
pub use navigate::{Children, Found, find, step};
pub use openapi::OpenApi;
pub use ownership::{Convert, Force, IgnoredFields};
pub use patch_error::PatchError;
pub use pattern::{Pattern, PatternError};
pub use quantity::{Quantity, QuantityError};
pub use repeated::Repeated;
pub use scale::{ReplicasPaths, ScaledManagers};
pub use strategic::strategic_merge_patch;
pub use string_format::duration;
pub use structural::Structural;
pub use type_error::{TypeError, TypeErrors};
pub use typed::{Duplicates, Typed};
pub use validation::{Correlated, blocks_rules};
pub use wire::{Message, ProtobufError, Read, Strict, Wire, WireError, duplicates, strict_mistakes};
