//! What differs, and whose doing it is.
//!
//! * [`record`] and [`recover`] remember what an apply made of an object; [`drift`] tells whether it is still so.
//! * [`extras`], [`adoption`], [`without_orphans`], [`stale_versions`], [`handover`], [`without`] and [`owner_of`] are about who owns what.
//! * [`object_diff`] is for people.
//!
//! Every value that leaves this room for a person is redacted: what a Secret holds is said to be equal or changed, never shown.

mod adoption;
mod drift;
mod extras;
mod handover;
mod hidden;
mod lines;
mod managed;
mod natural_key;
mod object_diff;
mod orphans;
mod owner;
mod projection;
mod quantity;
mod record;
mod recover;
mod redaction;
mod stale_versions;

pub use adoption::{ADOPTABLE, adoption};
pub use drift::{Actor, Change, Doubt, Drift, DriftedField, Verdict, drift};
pub use extras::{Extra, extras};
pub use handover::{HANDOVER_MANAGER, handover, without};
pub use hidden::Hidden;
pub use lockstep_core::{OWNER_ANNOTATION, Owner};
pub use object_diff::{FieldChange, ObjectDiff, object_diff};
pub use orphans::without_orphans;
pub use owner::{owner_annotation, owner_of};
pub use record::{RecordError, record};
pub use recover::recover;
pub use stale_versions::stale_versions;
