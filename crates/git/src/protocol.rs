//! What git's client and server say to each other: protocol 2, and 0 for servers that know no better.
//!
//! Facts: gitprotocol-v2(5), gitprotocol-pack(5), gitprotocol-capabilities(5).

use std::collections::BTreeSet;
use std::io::{self, BufRead, Read};

use gix::ObjectId;

use crate::failure::Failure;
use crate::pktline::{self, Packet};
use crate::refs::{Ref, Refs};
use crate::{Error, Result};

/// Characters of a server's error message that we repeat.
const MESSAGE: usize = 200;

/// What a server offers.
#[derive(Clone, Debug)]
pub(crate) enum Server {
    /// Protocol 2, with its capabilities: references are asked for.
    V2(Vec<String>),
    /// Protocol 0, with its capabilities: all references came with the greeting.
    V0(Vec<String>, Refs),
}

/// How much history to ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// The wanted commits alone.
    One,
    /// Commits that are not older than this, in seconds since 1970.
    Since(i64),
    /// Everything.
    Full,
}

/// What to fetch.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) wants: Vec<ObjectId>,
    pub(crate) haves: Vec<ObjectId>,
    pub(crate) depth: Depth,
}

/// Changes of the commits whose parents we do not have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Shallows {
    pub(crate) added: Vec<ObjectId>,
    pub(crate) removed: Vec<ObjectId>,
}

impl Server {
    /// Reads the answer to `GET info/refs`.
    pub(crate) fn read_greeting(reader: &mut dyn Read, failure: &Failure) -> Result<Self> {
        let mut packets = Packets { reader, failure };
        let mut first = packets.next()?;
        if first.text().is_some_and(|line| line.starts_with("# service=")) {
            packets.until_flush(|_| Ok(()))?;
            first = packets.next()?;
        }
        let server = match first.text() {
            Some("version 2") => {
                let mut capabilities = Vec::new();
                packets.until_flush(|line| {
                    capabilities.push(line.to_owned());
                    Ok(())
                })?;
                Self::V2(capabilities)
            }
            _ => read_v0(first, &mut packets)?,
        };
        match server.value("object-format") {
            None | Some("sha1") => Ok(server),
            Some(_) => {
                Err(Error::Unsupported("its repository uses SHA-256 ids, which are not supported yet"))
            }
        }
    }

    fn capabilities(&self) -> &[String] {
        match self {
            Self::V2(list) | Self::V0(list, _) => list,
        }
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.capabilities().iter().find_map(|line| line.strip_prefix(name)?.strip_prefix('='))
    }

    fn has(&self, name: &str) -> bool {
        self.capabilities().iter().any(|line| line == name)
    }

    /// Whether history can be cut.
    fn can_cut(&self, depth: Depth) -> bool {
        match (self, depth) {
            (_, Depth::Full) => true,
            (Self::V2(_), _) => {
                self.value("fetch").is_some_and(|f| f.split(' ').any(|word| word == "shallow"))
            }
            (Self::V0(..), Depth::One) => self.has("shallow"),
            (Self::V0(..), Depth::Since(_)) => self.has("shallow") && self.has("deepen-since"),
        }
    }

    /// The request for references with these prefixes.
    pub(crate) fn refs_request(&self, prefixes: &BTreeSet<String>) -> Vec<u8> {
        let mut out = self.command("ls-refs");
        pktline::line(&mut out, "peel");
        pktline::line(&mut out, "symrefs");
        for prefix in prefixes {
            pktline::line(&mut out, &format!("ref-prefix {prefix}"));
        }
        pktline::flush(&mut out);
        out
    }

    fn command(&self, name: &str) -> Vec<u8> {
        let mut out = Vec::new();
        pktline::line(&mut out, &format!("command={name}"));
        if self.value("object-format").is_some() {
            pktline::line(&mut out, "object-format=sha1");
        }
        pktline::delimiter(&mut out);
        out
    }

    /// The request for a pack. Everything is said at once and `done`, so that the answer is the pack.
    pub(crate) fn pack_request(&self, ask: &Ask, shallow: &BTreeSet<ObjectId>) -> Vec<u8> {
        let is_v2 = matches!(self, Self::V2(_));
        let mut out = if is_v2 { self.command("fetch") } else { Vec::new() };
        let options = ["thin-pack", "ofs-delta", "no-progress"];
        if is_v2 {
            options.iter().for_each(|option| pktline::line(&mut out, option));
        }
        let offered: Vec<&str> =
            ["side-band-64k"].into_iter().chain(options).filter(|o| self.has(o)).collect();
        for (index, want) in ask.wants.iter().enumerate() {
            let extra = if index == 0 && !is_v2 { format!(" {}", offered.join(" ")) } else { String::new() };
            pktline::line(&mut out, &format!("want {want}{extra}"));
        }
        for id in shallow {
            pktline::line(&mut out, &format!("shallow {id}"));
        }
        match ask.depth {
            depth if !self.can_cut(depth) && !self.can_cut(Depth::One) => {}
            depth if !self.can_cut(depth) => pktline::line(&mut out, "deepen 1"),
            Depth::One => pktline::line(&mut out, "deepen 1"),
            Depth::Since(time) => pktline::line(&mut out, &format!("deepen-since {time}")),
            Depth::Full => {}
        }
        if !is_v2 {
            pktline::flush(&mut out);
        }
        for have in &ask.haves {
            pktline::line(&mut out, &format!("have {have}"));
        }
        pktline::line(&mut out, "done");
        if is_v2 {
            pktline::flush(&mut out);
        }
        out
    }
}

fn read_v0(first: Packet, packets: &mut Packets<'_>) -> Result<Server> {
    let Packet::Data(data) = &first else { return Ok(Server::V0(Vec::new(), Refs::default())) };
    let (line, capabilities) = match data.iter().position(|b| *b == 0) {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => return Err(Error::Unsupported("it does not answer as a git server")),
    };
    let capabilities = String::from_utf8_lossy(capabilities);
    let capabilities = capabilities.split_whitespace().map(str::to_owned).collect();
    let mut refs = Vec::new();
    read_v0_line(&String::from_utf8_lossy(line), &mut refs)?;
    packets.until_flush(|line| read_v0_line(line, &mut refs))?;
    Ok(Server::V0(capabilities, Refs::new(refs)))
}

fn read_v0_line(line: &str, refs: &mut Vec<Ref>) -> Result<()> {
    let (id, name) = line.split_once(' ').ok_or_else(|| garbled(line))?;
    if id == "shallow" || name == "capabilities^{}" {
        return Ok(());
    }
    let id = parse_id(id)?;
    match (name.strip_suffix("^{}"), refs.last_mut()) {
        (Some(tag), Some(last)) if last.name == tag => last.peeled = Some(id),
        (Some(_), _) => return Err(garbled(line)),
        (None, _) => refs.push(Ref { name: name.to_owned(), id, peeled: None }),
    }
    Ok(())
}

/// Reads the answer to a request for references.
pub(crate) fn read_refs(reader: &mut dyn Read, failure: &Failure) -> Result<Refs> {
    let mut refs = Vec::new();
    Packets { reader, failure }.until_flush(|line| {
        let mut words = line.split(' ');
        let (Some(id), Some(name)) = (words.next(), words.next()) else { return Err(garbled(line)) };
        // The branch of an empty repository, which is not born yet.
        if id == "unborn" {
            return Ok(());
        }
        let peeled = words.find_map(|word| word.strip_prefix("peeled:")).map(parse_id).transpose()?;
        refs.push(Ref { name: name.to_owned(), id: parse_id(id)?, peeled });
        Ok(())
    })?;
    Ok(Refs::new(refs))
}

/// Reads what precedes the pack, and gives a reader of the pack.
pub(crate) fn read_pack<'a>(
    reader: &'a mut dyn Read,
    server: &Server,
    failure: &'a Failure,
) -> Result<(Shallows, PackReader<'a>)> {
    let mut packets = Packets { reader, failure };
    let mut shallows = Shallows::default();
    let is_v2 = matches!(server, Server::V2(_));
    let is_banded = is_v2 || server.has("side-band-64k");
    let first = loop {
        let packet = packets.next()?;
        match packet.text() {
            Some("packfile") if is_v2 => break Vec::new(),
            Some(line) if line.starts_with("shallow ") => shallows.added.push(parse_id(&line[8..])?),
            Some(line) if line.starts_with("unshallow ") => shallows.removed.push(parse_id(&line[10..])?),
            // Section names of protocol 2, and the one acknowledgement that protocol 0 gives.
            Some("shallow-info" | "acknowledgments" | "ready" | "NAK") => {}
            Some(line) if line.starts_with("ACK ") => {}
            None => {}
            Some(line) if is_v2 => return Err(garbled(line)),
            Some(_) => match packet {
                Packet::Data(data) => break data,
                _ => break Vec::new(),
            },
        }
        if !is_v2 && !is_banded && packet.text().is_some_and(|line| line == "NAK" || line.starts_with("ACK "))
        {
            break Vec::new();
        }
    };
    let mut pack =
        PackReader { reader: packets.reader, failure, is_banded, chunk: Vec::new(), at: 0, at_end: false };
    if !first.is_empty() {
        pack.accept(first).map_err(|error| failure.explain(|| Error::unavailable(error)))?;
    }
    Ok((shallows, pack))
}

/// The bytes of a pack, out of the bands that also carry progress and errors.
pub(crate) struct PackReader<'a> {
    reader: &'a mut dyn Read,
    failure: &'a Failure,
    is_banded: bool,
    chunk: Vec<u8>,
    at: usize,
    at_end: bool,
}

impl PackReader<'_> {
    /// Takes one packet: band 1 is the pack, 2 is for people, 3 is the end.
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
        if !self.is_banded {
            self.chunk.resize(64 << 10, 0);
            let count = self.reader.read(&mut self.chunk)?;
            self.chunk.truncate(count);
            self.at = 0;
            self.at_end = count == 0;
            return Ok(());
        }
        while self.at >= self.chunk.len() && !self.at_end {
            let packet = pktline::read(self.reader).and_then(|packet| packet.ok_or(ended_early()));
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
        if self.at >= self.chunk.len() && !self.at_end {
            self.fill()?;
        }
        Ok(if self.at_end { &[] } else { &self.chunk[self.at..] })
    }

    fn consume(&mut self, count: usize) {
        self.at += count;
    }
}

/// Packets of an answer, with a server's own errors made ours.
struct Packets<'a> {
    reader: &'a mut dyn Read,
    failure: &'a Failure,
}

impl Packets<'_> {
    fn next(&mut self) -> Result<Packet> {
        let packet = pktline::read(self.reader).map_err(|error| {
            self.failure.explain(|| match error.kind() {
                io::ErrorKind::InvalidData => Error::Unsupported("it does not answer as a git server"),
                _ => Error::unavailable(error),
            })
        })?;
        let packet = packet.ok_or_else(|| Error::Protocol("the answer ended early".to_owned()))?;
        match &packet {
            Packet::Data(data) if data.starts_with(b"ERR ") => Err(message(&data[4..])),
            _ => Ok(packet),
        }
    }

    fn until_flush(&mut self, mut each: impl FnMut(&str) -> Result<()>) -> Result<()> {
        loop {
            match self.next()? {
                Packet::Flush | Packet::End => return Ok(()),
                Packet::Delimiter => {}
                packet => each(packet.text().unwrap_or(""))?,
            }
        }
    }
}

fn ended_early() -> io::Error {
    io::Error::new(io::ErrorKind::UnexpectedEof, "the answer ended early")
}

fn parse_id(hex: &str) -> Result<ObjectId> {
    ObjectId::from_hex(hex.as_bytes()).map_err(|_| garbled(hex))
}

fn garbled(line: &str) -> Error {
    message(format!("unexpected line: {line}").as_bytes())
}

/// A server's words, short and without control characters.
fn message(bytes: &[u8]) -> Error {
    let text = String::from_utf8_lossy(bytes);
    Error::Protocol(text.trim().chars().filter(|c| !c.is_control()).take(MESSAGE).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: &str = "1111111111111111111111111111111111111111";
    const B: &str = "2222222222222222222222222222222222222222";

    fn lines(lines: &[&str]) -> Vec<u8> {
        let mut out = Vec::new();
        for text in lines {
            match *text {
                "0000" => pktline::flush(&mut out),
                "0001" => pktline::delimiter(&mut out),
                text => pktline::line(&mut out, text),
            }
        }
        out
    }

    fn greet(bytes: &[u8]) -> Result<Server> {
        Server::read_greeting(&mut &bytes[..], &Failure::default())
    }

    fn v0() -> Server {
        let first = format!("{A} HEAD\0side-band-64k shallow ofs-delta symref=HEAD:refs/heads/main");
        let peeled = format!("{B} refs/tags/v1^{{}}");
        greet(&lines(&[
            "# service=git-upload-pack",
            "0000",
            &first,
            &format!("{A} refs/tags/v1"),
            &peeled,
            "0000",
        ]))
        .unwrap()
    }

    #[test]
    fn greetings() {
        let two = greet(&lines(&["# service=git-upload-pack", "0000", "version 2", "fetch=shallow", "0000"]))
            .unwrap();
        assert!(matches!(&two, Server::V2(list) if list == &["fetch=shallow"]));
        let Server::V0(_, refs) = v0() else { panic!("protocol 0") };
        assert_eq!(refs.get("refs/tags/v1").unwrap().commit().to_string(), B);
        assert_eq!(refs.get("HEAD").unwrap().commit().to_string(), A);
        let empty = format!("{} capabilities^{{}}\0shallow", "0".repeat(40));
        assert!(
            matches!(greet(&lines(&[&empty, "0000"])), Ok(Server::V0(_, refs)) if refs.iter().count() == 0)
        );
        assert!(matches!(greet(b"<html>"), Err(Error::Unsupported(_))));
        assert!(matches!(greet(&lines(&["ERR go away"])), Err(Error::Protocol(text)) if text == "go away"));
        let sha256 = lines(&["version 2", "object-format=sha256", "0000"]);
        assert!(matches!(greet(&sha256), Err(Error::Unsupported(_))));
        assert!(matches!(greet(&lines(&["version 2"])), Err(Error::Protocol(_))));
    }

    #[test]
    fn references_of_protocol_2() {
        let answer = lines(&[
            "unborn HEAD symref-target:refs/heads/main",
            &format!("{A} refs/heads/main"),
            &format!("{A} refs/tags/v1 peeled:{B}"),
            "0000",
        ]);
        let refs = read_refs(&mut &answer[..], &Failure::default()).unwrap();
        assert_eq!(refs.iter().count(), 2);
        assert_eq!(refs.get("refs/tags/v1").unwrap().commit().to_string(), B);
        assert!(read_refs(&mut &lines(&["nonsense", "0000"])[..], &Failure::default()).is_err());
    }

    fn request(server: &Server, depth: Depth) -> String {
        let id = |hex: &str| ObjectId::from_hex(hex.as_bytes()).unwrap();
        let ask = Ask { wants: vec![id(A)], haves: vec![id(B)], depth };
        String::from_utf8(server.pack_request(&ask, &BTreeSet::from([id(B)]))).unwrap()
    }

    #[test]
    fn requests_for_packs() {
        let two = Server::V2(vec!["fetch=shallow wait-for-done".to_owned()]);
        let text = request(&two, Depth::Since(17));
        assert!(text.starts_with("0012command=fetch\n0001000ethin-pack\n"), "{text}");
        assert!(text.ends_with("done\n0000") && text.contains("deepen-since 17\n"), "{text}");
        assert!(text.contains(&format!("0032want {A}\n0035shallow {B}\n")), "{text}");
        assert!(!request(&Server::V2(Vec::new()), Depth::Since(17)).contains("deepen"));
        let text = request(&v0(), Depth::Since(17));
        assert!(text.contains(&format!("want {A} side-band-64k ofs-delta\n")), "{text}");
        assert!(text.contains("deepen 1\n0000") && text.ends_with("0009done\n"), "{text}");
    }

    #[test]
    fn packs_come_out_of_their_bands() {
        let mut answer =
            lines(&["shallow-info", &format!("shallow {A}"), &format!("unshallow {B}"), "0001", "packfile"]);
        answer.extend_from_slice(b"0008\x01PAC0009\x02wait0006\x01K0000");
        let failure = Failure::default();
        let mut reader = &answer[..];
        let (shallows, mut pack) = read_pack(&mut reader, &Server::V2(Vec::new()), &failure).unwrap();
        assert_eq!((shallows.added.len(), shallows.removed.len()), (1, 1));
        let mut bytes = Vec::new();
        pack.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, b"PACK");
    }

    #[test]
    fn packs_of_protocol_0_follow_an_acknowledgement() {
        let mut answer = lines(&[&format!("shallow {A}"), "0000", &format!("ACK {B}")]);
        answer.extend_from_slice(b"0009\x01PACK0000");
        let failure = Failure::default();
        let mut reader = &answer[..];
        let (shallows, mut pack) = read_pack(&mut reader, &v0(), &failure).unwrap();
        assert_eq!(shallows.added.len(), 1);
        let mut bytes = Vec::new();
        pack.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, b"PACK");
    }

    #[test]
    fn a_servers_error_ends_the_pack() {
        let mut answer = lines(&["packfile"]);
        answer.extend_from_slice(b"0009\x01PACK0009\x03oops\n");
        let failure = Failure::default();
        let mut reader = &answer[..];
        let (_, mut pack) = read_pack(&mut reader, &Server::V2(Vec::new()), &failure).unwrap();
        assert!(pack.read_to_end(&mut Vec::new()).is_err());
        assert!(matches!(failure.explain(|| Error::Cancelled), Error::Protocol(text) if text == "oops"));
    }
}
