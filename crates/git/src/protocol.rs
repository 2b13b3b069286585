//! What git's client and server say to each other: protocol 2, and 0 for servers that know no better.
//!
//! Facts: gitprotocol-v2(5), gitprotocol-pack(5), gitprotocol-capabilities(5).

use std::collections::BTreeSet;
use std::io::Read;

use gix::ObjectId;

use crate::failure::Failure;
use crate::packets::{Packets, garbled, parse_id};
use crate::pktline::{self, Packet};
use crate::refs::{Ref, Refs};
use crate::{Error, Result};

/// What we ask for in a pack: bases left out that we have, deltas by offset, no words.
const OPTIONS: [&str; 3] = ["thin-pack", "ofs-delta", "no-progress"];
/// What protocol 2 has anyway. Some servers give an empty pack to clients that do not know detailed acknowledgements.
const OLD_OPTIONS: [&str; 2] = ["side-band-64k", "multi_ack_detailed"];

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
    /// All commits, without anything that is in them.
    Commits,
}

/// What to fetch.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) wants: Vec<ObjectId>,
    pub(crate) haves: Vec<ObjectId>,
    pub(crate) depth: Depth,
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
            Some(_) => Err(Error::sha256()),
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

    fn can_fetch(&self, feature: &str) -> bool {
        self.value("fetch").is_some_and(|features| features.split(' ').any(|word| word == feature))
    }

    /// Whether the server can leave out what is not asked for.
    pub(crate) fn can_cut(&self, depth: Depth) -> bool {
        match (self, depth) {
            (_, Depth::Full) => true,
            (Self::V2(_), Depth::Commits) => self.can_fetch("filter"),
            (Self::V2(_), Depth::One | Depth::Since(_)) => self.can_fetch("shallow"),
            (Self::V0(..), Depth::Commits) => false,
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
        let mut out = Vec::new();
        match self {
            Self::V2(_) => {
                out = self.command("fetch");
                OPTIONS.iter().for_each(|option| pktline::line(&mut out, option));
                self.ask(&mut out, ask, shallow, "");
            }
            Self::V0(..) => {
                let known = OLD_OPTIONS.into_iter().chain(OPTIONS).filter(|option| self.has(option));
                let options: String = known.map(|option| format!(" {option}")).collect();
                self.ask(&mut out, ask, shallow, &options);
                pktline::flush(&mut out);
            }
        }
        for have in &ask.haves {
            pktline::line(&mut out, &format!("have {have}"));
        }
        pktline::line(&mut out, "done");
        if matches!(self, Self::V2(_)) {
            pktline::flush(&mut out);
        }
        out
    }

    /// What is wanted, the first with options, and where history is cut here and shall be cut there.
    fn ask(&self, out: &mut Vec<u8>, ask: &Ask, shallow: &BTreeSet<ObjectId>, options: &str) {
        for (index, want) in ask.wants.iter().enumerate() {
            pktline::line(out, &format!("want {want}{}", if index == 0 { options } else { "" }));
        }
        for id in shallow {
            pktline::line(out, &format!("shallow {id}"));
        }
        match ask.depth {
            Depth::Since(time) if self.can_cut(ask.depth) => {
                pktline::line(out, &format!("deepen-since {time}"))
            }
            Depth::One | Depth::Since(_) if self.can_cut(Depth::One) => pktline::line(out, "deepen 1"),
            Depth::Commits => pktline::line(out, "filter tree:0"),
            _ => {}
        }
    }
}

fn read_v0(first: Packet, packets: &mut Packets<'_>) -> Result<Server> {
    let Packet::Data(data) = &first else { return Ok(Server::V0(Vec::new(), Refs::default())) };
    let (line, capabilities) = match data.iter().position(|b| *b == 0) {
        Some(at) => (&data[..at], &data[at + 1..]),
        None => return Err(Error::not_git()),
    };
    let capabilities = String::from_utf8_lossy(capabilities);
    let capabilities: Vec<String> = capabilities.split_whitespace().map(str::to_owned).collect();
    if !capabilities.iter().any(|capability| capability == "side-band-64k") {
        return Err(Error::Unsupported("it is too old: it cannot send packs in bands"));
    }
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
        let empty = format!("{} capabilities^{{}}\0side-band-64k", "0".repeat(40));
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
}
