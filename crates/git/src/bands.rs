//! The answer to a request for a pack: boundaries of history first, then the pack in its bands.

use std::io::{self, BufRead, Read};

use gix::ObjectId;

use crate::failure::Failure;
use crate::packets::{Packets, garbled, message, parse_id};
use crate::pktline::{self, Packet};
use crate::{Error, Result};

/// Changes of the commits whose parents we do not have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shallows {
    pub(crate) added: Vec<ObjectId>,
    pub(crate) removed: Vec<ObjectId>,
}

/// Reads what precedes the pack, and gives a reader of the pack.
///
/// Protocol 2 has named sections; protocol 0 has boundaries and acknowledgements, and begins the pack without a word.
pub(crate) fn read_pack<'a>(
    reader: &'a mut dyn Read,
    failure: &'a Failure,
) -> Result<(Shallows, PackReader<'a>)> {
    let mut packets = Packets { reader, failure };
    let mut shallows = Shallows::default();
    let first = loop {
        let packet = packets.next()?;
        let Some(line) = packet.text() else { continue };
        match line.split_once(' ').unwrap_or((line, "")) {
            ("packfile", "") => break Vec::new(),
            ("shallow", id) => shallows.added.push(parse_id(id)?),
            ("unshallow", id) => shallows.removed.push(parse_id(id)?),
            ("shallow-info" | "acknowledgments" | "ready" | "NAK" | "ACK", _) => {}
            _ => match packet {
                Packet::Data(data) if matches!(data.first(), Some(1..=3)) => break data,
                _ => return Err(garbled(line)),
            },
        }
    };
    let mut pack = PackReader { reader: packets.reader, failure, chunk: Vec::new(), at: 0, at_end: false };
    if !first.is_empty() {
        pack.accept(first).map_err(|error| failure.explain(|| Error::unavailable(error)))?;
    }
    Ok((shallows, pack))
}

/// The bytes of a pack, out of the bands that also carry progress and errors.
pub(crate) struct PackReader<'a> {
    reader: &'a mut dyn Read,
    failure: &'a Failure,
    chunk: Vec<u8>,
    at: usize,
    at_end: bool,
}

impl PackReader<'_> {
    /// Takes one packet: band 1 is the pack, 2 is for people, 3 is the server's last word.
    fn accept(&mut self, data: Vec<u8>) -> io::Result<()> {
        match data.first() {
            Some(1) => {
                self.chunk = data;
                self.at = 1;
                Ok(())
            }
            Some(2) | None => Ok(()),
            Some(3) => Err(self.failure.note(message(&data[1..]))),
            Some(_) => Err(self.failure.note(message(data.strip_prefix(b"ERR ").unwrap_or(&data)))),
        }
    }

    fn fill(&mut self) -> io::Result<()> {
        while self.at >= self.chunk.len() && !self.at_end {
            let packet = pktline::read(self.reader).and_then(|packet| packet.ok_or_else(ended_early));
            match packet.map_err(|error| self.failure.note(Error::unavailable(error)))? {
                Packet::Data(data) => self.accept(data)?,
                _ => self.at_end = true,
            }
        }
        Ok(())
    }
}

impl Read for PackReader<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let available = self.fill_buf()?;
        let count = available.len().min(out.len());
        out[..count].copy_from_slice(&available[..count]);
        self.consume(count);
        Ok(count)
    }
}

impl BufRead for PackReader<'_> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.fill()?;
        Ok(self.chunk.get(self.at..).filter(|_| !self.at_end).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        self.at += count;
    }
}

fn ended_early() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the answer ended early")
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "1111111111111111111111111111111111111111";
    const B: &str = "2222222222222222222222222222222222222222";

    /// Lines, then raw bytes: the boundaries and the pack, or the error.
    fn read(lines: &[&str], bands: &[u8]) -> Result<(Shallows, Vec<u8>)> {
        let mut answer = Vec::new();
        for text in lines {
            match *text {
                "0000" => pktline::flush(&mut answer),
                "0001" => pktline::delimiter(&mut answer),
                text => pktline::line(&mut answer, text),
            }
        }
        answer.extend_from_slice(bands);
        let failure = Failure::default();
        let mut reader = &answer[..];
        let (shallows, mut pack) = read_pack(&mut reader, &failure)?;
        let mut bytes = Vec::new();
        let result = pack.read_to_end(&mut bytes);
        result.map_err(|_| failure.explain(|| Error::Cancelled))?;
        Ok((shallows, bytes))
    }

    #[test]
    fn packs_come_out_of_their_bands() {
        let lines = ["shallow-info", &format!("shallow {A}"), &format!("unshallow {B}"), "0001", "packfile"];
        let (shallows, pack) = read(&lines, b"0008\x01PAC0009\x02wait0006\x01K0000").unwrap();
        assert_eq!((shallows.added.len(), shallows.removed.len()), (1, 1));
        assert_eq!(pack, b"PACK");
    }

    #[test]
    fn packs_of_protocol_0_follow_acknowledgements() {
        let lines = [&format!("shallow {A}"), "0000", &format!("ACK {B} common"), "NAK", &format!("ACK {B}")];
        let (shallows, pack) = read(&lines, b"0009\x02wait0009\x01PACK0000").unwrap();
        assert_eq!(shallows.added.len(), 1);
        assert_eq!(pack, b"PACK");
    }

    #[test]
    fn a_servers_error_ends_the_pack() {
        let oops = read(&["packfile"], b"0009\x01PACK0009\x03oops\n");
        assert!(matches!(oops, Err(Error::Protocol(text)) if text == "oops"));
        assert!(matches!(read(&["NAK"], b"0009\x03oops\n"), Err(Error::Protocol(text)) if text == "oops"));
        assert!(matches!(read(&["ERR no"], b""), Err(Error::Protocol(text)) if text == "no"));
        assert!(matches!(read(&["nonsense"], b""), Err(Error::Protocol(_))));
        assert!(matches!(read(&["packfile"], b"0009\x01PACK"), Err(Error::Unavailable(_))));
        assert!(matches!(read(&["packfile"], b"0019\x01PACK"), Err(Error::Unavailable(_))));
    }
}
