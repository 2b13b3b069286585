//! YAML as Go's `sigs.k8s.io/yaml` reads and writes it: go-yaml v2 (YAML 1.1 with its own rules), then JSON.
//!
//! [`Source`] holds a file and knows its lines, [`Source::documents`] divides it, [`parse`] makes the tree of one
//! document ([`Document`], with the style, tag and span of every node) and [`decode`] turns the tree into a
//! [`Value`](lockstep_core::Value) by Go's rules. [`emit`] writes a value as `yaml.Marshal` does.
//!
//! The scanner is our own, written from the YAML specification and from recorded answers of Go: scalars stay slices of the
//! file unless they hold escapes or folds, and spans are byte offsets, which no event parser on the registry offers.

mod base64;
mod decode;
mod emit;
mod error;
mod json;
mod limits;
mod lookup;
mod node;
mod order;
mod parser;
mod resolve;
mod scanner;
mod source;
mod timestamp;
mod token;

pub use decode::{Decoded, Duplicate, decode};
pub use emit::emit;
pub use error::{Error, ErrorKind};
pub use json::parse_json;
pub use limits::Limits;
pub use node::{Document, Node, NodeId, NodeKind, Style};
pub use parser::{Parsed, parse};
pub use source::{Position, Source, Span};
