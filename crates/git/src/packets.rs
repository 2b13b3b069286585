//! Packets of an answer, with a server's own errors made ours.

use std::io::{self, Read};

use gix::ObjectId;

use crate::failure::Failure;
use crate::pktline::{self, Packet};
use crate::{Error, Result};

/// Characters of a server's error message that we repeat.
const MESSAGE: usize = 200;

/// A reader of packets.
pub(crate) struct Packets<'a> {
    pub(crate) reader: &'a mut dyn Read,
    pub(crate) failure: &'a Failure,
}

impl Packets<'_> {
    /// The next packet; the end of the stream is an error.
    pub(crate) fn next(&mut self) -> Result<Packet> {
        let packet = pktline::read(self.reader).map_err(|error| {
            self.failure.explain(|| match error.kind() {
                io::ErrorKind::InvalidData => Error::not_git(),
                _ => Error::unavailable(error),
            })
        })?;
        let packet = packet.ok_or_else(|| Error::Protocol("the answer ended early".to_owned()))?;
        match &packet {
            Packet::Data(data) if data.starts_with(b"ERR ") => Err(message(&data[4..])),
            _ => Ok(packet),
        }
    }

    /// Hands over each line up to the end of the section or message.
    pub(crate) fn until_flush(&mut self, mut each: impl FnMut(&str) -> Result<()>) -> Result<()> {
        loop {
            match self.next()? {
                Packet::Flush | Packet::End => return Ok(()),
                Packet::Delimiter => {}
                packet => each(packet.text().unwrap_or(""))?,
            }
        }
    }
}

pub(crate) fn parse_id(hex: &str) -> Result<ObjectId> {
    ObjectId::from_hex(hex.as_bytes()).map_err(|_| garbled(hex))
}

pub(crate) fn garbled(line: &str) -> Error {
    message(format!("unexpected line: {line}").as_bytes())
}

/// A server's words, short and without control characters.
pub(crate) fn message(bytes: &[u8]) -> Error {
    let text = String::from_utf8_lossy(bytes);
    Error::Protocol(text.trim().chars().filter(|c| !c.is_control()).take(MESSAGE).collect())
}
