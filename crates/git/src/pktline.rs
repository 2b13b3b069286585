//! Git's framing: four hexadecimal digits of length, then the rest.

use std::io::{self, Read};

/// One packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Packet {
    /// Content.
    Data(Vec<u8>),
    /// The end of a section or message.
    Flush,
    /// The border between two sections.
    Delimiter,
    /// The end of an answer.
    End,
}

impl Packet {
    /// The content as text without the newline at its end; `None` for packets without content.
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Data(data) => {
                let text = std::str::from_utf8(data).unwrap_or("\u{fffd}");
                Some(text.strip_suffix('\n').unwrap_or(text))
            }
            _ => None,
        }
    }
}

/// Reads one packet; `None` at the end of the stream.
pub(crate) fn read(reader: &mut dyn Read) -> io::Result<Option<Packet>> {
    let mut header = [0; 4];
    let mut filled = 0;
    while filled < header.len() {
        match reader.read(&mut header[filled..])? {
            0 if filled == 0 => return Ok(None),
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            count => filled += count,
        }
    }
    // `from_str_radix` takes a leading plus.
    let hex = std::str::from_utf8(&header).ok().filter(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
    let length = hex.and_then(|hex| usize::from_str_radix(hex, 16).ok());
    Ok(Some(match length {
        Some(0) => Packet::Flush,
        Some(1) => Packet::Delimiter,
        Some(2) => Packet::End,
        Some(length) if length >= 4 => {
            let mut data = vec![0; length - 4];
            reader.read_exact(&mut data)?;
            Packet::Data(data)
        }
        _ => return Err(io::Error::new(io::ErrorKind::InvalidData, "not a packet line")),
    }))
}

/// Appends a line of text. Lines of ours are far below the limit of 65,516 bytes.
pub(crate) fn line(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(format!("{:04x}{text}\n", text.len() + 5).as_bytes());
}

pub(crate) fn flush(out: &mut Vec<u8>) {
    out.extend_from_slice(b"0000");
}

pub(crate) fn delimiter(out: &mut Vec<u8>) {
    out.extend_from_slice(b"0001");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_read_as_written() {
        let mut bytes = Vec::new();
        line(&mut bytes, "hello");
        delimiter(&mut bytes);
        flush(&mut bytes);
        bytes.extend_from_slice(b"00020004");
        assert!(bytes.starts_with(b"000ahello\n"));
        let mut reader = &bytes[..];
        let mut next = || read(&mut reader).unwrap();
        assert_eq!(next().unwrap().text(), Some("hello"));
        assert_eq!(next(), Some(Packet::Delimiter));
        assert_eq!(next(), Some(Packet::Flush));
        assert_eq!(next(), Some(Packet::End));
        assert_eq!(next(), Some(Packet::Data(Vec::new())));
        assert_eq!(next(), None);
    }

    #[test]
    fn what_is_no_packet_is_an_error() {
        for bytes in ["<htm", "0003", "00", "000ahel", "+004"] {
            assert!(read(&mut bytes.as_bytes()).is_err(), "{bytes}");
        }
    }
}
