//! Bodies in protocol buffers, as clients that have the Go types send them.

mod cursor;
mod error;
mod message;
mod selfmade;

use lockstep_core::Value;

use super::Wire;
use cursor::Cursor;
use message::{Depth, bytes_of};

use error::Fault;
pub use error::ProtobufError;

/// What every body begins with.
const PREFIX: &[u8] = b"k8s\0";

/// A body in protocol buffers that says what it holds (`runtime.Unknown`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'b> {
    /// `apps/v1`; empty where the body does not say it.
    pub api_version: String,
    /// `Deployment`; empty where the body does not say it.
    pub kind: String,
    object: &'b [u8],
}

impl<'b> Message<'b> {
    /// Reads what the body holds, not the object itself.
    ///
    /// # Errors
    /// The body does not begin as such bodies do, or is malformed.
    pub fn open(body: &'b [u8]) -> Result<Self, ProtobufError> {
        let bytes = match body.strip_prefix(PREFIX) {
            None if body.is_empty() => return Err(Fault::NoData.into()),
            None => return Err(Fault::NoPrefix.into()),
            Some([]) => return Err(Fault::NoBody.into()),
            Some(bytes) => bytes,
        };
        let mut message = Self { api_version: String::new(), kind: String::new(), object: &[] };
        let mut cursor = Cursor(bytes);
        while let Some((number, content)) = cursor.next()? {
            match number {
                1 => message.read_type(bytes_of(content)?)?,
                2 => message.object = bytes_of(content)?,
                _ => {}
            }
        }
        Ok(message)
    }

    fn read_type(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let mut cursor = Cursor(bytes);
        while let Some((number, content)) = cursor.next()? {
            match number {
                1 => self.api_version = String::from_utf8_lossy(bytes_of(content)?).into_owned(),
                2 => self.kind = String::from_utf8_lossy(bytes_of(content)?).into_owned(),
                _ => {}
            }
        }
        Ok(())
    }

    /// The object, of a type of the server's own. Fields that it does not have are gone. What such a value is once it is stored
    /// [`Wire::read`] tells.
    ///
    /// # Errors
    /// The bytes are malformed, hold values that JSON does not have, or are deeper than any object is (200 messages).
    pub fn object(&self, of: Wire) -> Result<Value, ProtobufError> {
        let mut object = message::whole(of.of, self.object, Depth::TOP)?;
        for (key, text) in [("apiVersion", &self.api_version), ("kind", &self.kind)] {
            if !text.is_empty() {
                object.set(&[key], text.as_str().into());
            }
        }
        Ok(object)
    }
}
