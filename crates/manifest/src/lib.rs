//! Files of Kubernetes manifests: from bytes to objects that know where they were written, and from objects to text.
//!
//! [`read`] takes a file as kubectl does (YAML with several documents, JSON, lists of objects) and returns every object that is
//! one, with a finding for everything that is not. [`json`] and [`yaml`] print objects as kubectl prints them.

mod check;
mod json;
mod object;
mod read;

pub use goyaml::Limits;
pub use json::{json, list, yaml};
pub use object::Object;
pub use read::{Parsed, read};
