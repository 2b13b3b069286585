//! What the API server's own types make of JSON: it reads a body into a Go struct and writes it back from there.
//!
//! OpenAPI describes none of it. Fields without a place in the struct are gone; null becomes the zero value, and a zero value
//! is left out or written, as the field's tag says; quantities, times and bytes are written in one way only. The types are
//! those that `cargo xtask openapi` found by reflection; one is read from the table when it is first needed.

mod base64;
mod duplicates;
mod error;
mod protobuf;
mod read;
mod selfmade;
mod table;
mod time;

use lockstep_core::{Gvk, Value};

pub use duplicates::{Strict, duplicates, strict_mistakes};
pub use error::WireError;
pub use protobuf::{Message, ProtobufError};

use read::{Nil, Reader, Step};
use table::{LazyStruct, TABLE};

/// The Go type of a built-in kind.
#[derive(Clone, Copy)]
pub struct Wire {
    of: &'static LazyStruct,
    nil: Nil,
    within: &'static [Step<'static>],
}

/// An object as the API server writes it back.
#[derive(Clone, Debug, PartialEq)]
pub struct Read {
    /// The object; it shares all parts that were written in the server's way already.
    pub value: Value,
    /// The fields that the type does not have, as strict decoding names them (`spec.containers[0].foo`), in the order of keys;
    /// 100 at most. They are no longer in the object.
    pub unknown: Vec<String>,
}

/// Groups whose objects are stored as JSON or not at all: there, an empty list stays one. All others are stored as protocol
/// buffers, which cannot tell it from no list.
const WITHOUT_PROTOBUF: [&str; 4] =
    ["apiextensions.k8s.io", "apiregistration.k8s.io", "authentication.k8s.io", "authorization.k8s.io"];
const OBJECT_META: &str = "apis/meta/v1.ObjectMeta";

impl Wire {
    /// The type of a kind that the server has of its own, in a version that it serves by default; subresources and reviews are
    /// among them.
    pub fn of(kind: &Gvk) -> Option<Self> {
        let nil = match WITHOUT_PROTOBUF.contains(&&*kind.api.group) {
            true => Nil::NotEmpty,
            false => Nil::IsEmpty,
        };
        Some(Self { of: TABLE.kind(kind)?, nil, within: &[] })
    }

    /// The type of `metadata`, which custom resources have too. It reads that part alone; places are named from the whole object.
    pub fn object_meta() -> Option<Self> {
        Some(Self { of: TABLE.named(OBJECT_META)?, nil: Nil::NotEmpty, within: &[Step::Key("metadata")] })
    }

    /// The type as it holds what was sent and is not stored yet: an empty list that is always written is one still, and has owners.
    #[must_use]
    pub fn as_sent(self) -> Self {
        let nil = if self.nil == Nil::IsEmpty { Nil::IsEmptyOnceStored } else { self.nil };
        Self { nil, ..self }
    }

    /// Reads an object as the server reads JSON, case sensitively, and gives it back as the server would write it once it is
    /// stored. What an admission stage or a default adds is not looked at.
    ///
    /// # Errors
    /// The first place that does not fit the type, in the order of keys; one that a type with a syntax of its own refuses
    /// (quantities, times) comes before others, as in Go.
    pub fn read(self, value: Value) -> Result<Read, WireError> {
        let mut reader = Reader::new(self.within, self.nil);
        let canonical = reader.whole(self.of, &value)?;
        let unknown = reader.into_unknown();
        Ok(Read { value: canonical.unwrap_or(value), unknown })
    }
}
