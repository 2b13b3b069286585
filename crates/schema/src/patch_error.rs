//! Why a patch does not apply.

/// Why a patch does not apply, by the status of the answer. The texts are the server's where it shows them; they may hold
/// the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PatchError {
    /// The patch is malformed: 400, with this message.
    #[error("{0}")]
    BadRequest(String),
    /// The patch does not fit the object: 422. To clients the server only says
    /// `the server rejected our request due to an error in our request`.
    #[error("{0}")]
    Unprocessable(String),
    /// More operations than the server takes: 413, with this message.
    #[error("{0}")]
    TooLarge(String),
    /// Anything else: 500, with this message.
    #[error("{0}")]
    Failed(String),
}
