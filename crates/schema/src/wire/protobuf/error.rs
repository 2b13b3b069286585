//! What is wrong with bytes.

/// Why a body in protocol buffers cannot be read, in the words of the server's reader where it has some.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ProtobufError(pub(super) Fault);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("empty data")]
    NoData,
    #[error("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]")]
    NoPrefix,
    #[error("empty body")]
    NoBody,
    #[error("unexpected EOF")]
    TooShort,
    #[error("proto: integer overflow")]
    Overflow,
    #[error("proto: illegal tag {0} (wire type {1})")]
    Tag(u64, u8),
    #[error("proto: illegal wireType {0}")]
    WireType(u8),
    #[error("proto: wiretype end group for non-group")]
    EndOfGroup,
    #[error("proto: wrong wireType = {found} for field {field}")]
    WrongWireType { found: u8, field: String },
    /// The real server has no such limit.
    #[error("proto: messages within messages, more than {0}")]
    TooDeep(usize),
    #[error("proto: {0}")]
    Value(&'static str),
}

impl From<Fault> for ProtobufError {
    fn from(fault: Fault) -> Self {
        Self(fault)
    }
}
