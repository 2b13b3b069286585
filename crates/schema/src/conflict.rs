//! Why an apply is refused.

use std::fmt;

use lockstep_core::FieldPath;

use crate::go_text::server_path;
use crate::managers::{Manager, ManagersError};
use crate::type_error::TypeErrors;

/// One field that an apply would take from another manager.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// Who owns it.
    pub manager: Manager,
    /// The field.
    pub path: FieldPath,
}

impl Conflict {
    /// The message of the cause in the answer.
    pub fn message(&self) -> String {
        format!("conflict with {}", self.manager)
    }

    /// The field of the cause in the answer.
    pub fn field(&self) -> String {
        server_path(&self.path.0)
    }
}

/// Why nothing was applied; `Display` is the message that the server answers with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ApplyError {
    /// Others own what is applied: 409, with one cause a conflict. By manager, then by path; never empty.
    Conflicts(Vec<Conflict>),
    /// The request itself is wrong: 400.
    BadRequest(String),
    /// An object does not fit its schema, or cannot be converted: 500.
    Failed(String),
    /// `managedFields` of the live object cannot be read: 500.
    Managers(ManagersError),
}

impl fmt::Display for ApplyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadRequest(text) | Self::Failed(text) => f.write_str(text),
            Self::Managers(error) => write!(f, "failed to decode managed fields: {error}"),
            Self::Conflicts(conflicts) => match &conflicts[..] {
                [only] => write!(f, "Apply failed with 1 conflict: {}: {}", only.message(), only.field()),
                several => write_conflicts(f, several),
            },
        }
    }
}

impl std::error::Error for ApplyError {}

fn write_conflicts(f: &mut fmt::Formatter<'_>, conflicts: &[Conflict]) -> fmt::Result {
    write!(f, "Apply failed with {} conflicts: ", conflicts.len())?;
    for (index, group) in conflicts.chunk_by(|a, b| a.manager == b.manager).enumerate() {
        let Some(first) = group.first() else { continue };
        write!(f, "{}conflicts with {}:", if index > 0 { "\n" } else { "" }, first.manager)?;
        group.iter().try_for_each(|conflict| write!(f, "\n- {}", conflict.field()))?;
    }
    Ok(())
}

/// Why an object cannot be had in another version.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConvertError {
    /// The version is not served any more, or never was: its managers are forgotten.
    #[error("no such version")]
    MissingVersion,
    /// The conversion went wrong.
    #[error("{0}")]
    Failed(String),
    /// What came out of the conversion does not fit its schema.
    #[error("{0}")]
    Type(TypeErrors),
}
