//! Protocol buffers as they are on the wire: fields with numbers, whatever they mean.

use super::error::Fault;

/// The fields of a message, one after the other.
#[derive(Clone, Copy)]
pub(super) struct Cursor<'b>(pub(super) &'b [u8]);

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content<'b> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'b [u8]),
    Fixed32,
    /// An old way to write a message, which no kind uses.
    Group,
}

impl Content<'_> {
    pub(super) fn wire_type(self) -> u8 {
        match self {
            Self::Varint(_) => 0,
            Self::Fixed64(_) => 1,
            Self::Bytes(_) => 2,
            Self::Group => 3,
            Self::Fixed32 => 5,
        }
    }
}

impl<'b> Cursor<'b> {
    /// The next field with its number.
    pub(super) fn next(&mut self) -> Result<Option<(u32, Content<'b>)>, Fault> {
        if self.0.is_empty() {
            return Ok(None);
        }
        let (number, wire_type) = self.tag()?;
        let content = match wire_type {
            4 => return Err(Fault::EndOfGroup),
            3 => {
                self.skip_group()?;
                Content::Group
            }
            wire_type => self.content(wire_type)?,
        };
        Ok(Some((number, content)))
    }

    fn tag(&mut self) -> Result<(u32, u8), Fault> {
        let tag = self.varint()?;
        let wire_type = u8::try_from(tag & 7).unwrap_or_default();
        let number = u32::try_from(tag >> 3).ok().filter(|number| (1..1 << 29).contains(number));
        Ok((number.ok_or(Fault::Tag(tag >> 3, wire_type))?, wire_type))
    }

    fn content(&mut self, wire_type: u8) -> Result<Content<'b>, Fault> {
        Ok(match wire_type {
            0 => Content::Varint(self.varint()?),
            1 => Content::Fixed64(self.fixed64()?),
            2 => {
                let length = usize::try_from(self.varint()?).map_err(|_| Fault::TooShort)?;
                Content::Bytes(self.take(length)?)
            }
            5 => {
                self.take(4)?;
                Content::Fixed32
            }
            other => return Err(Fault::WireType(other)),
        })
    }

    fn take(&mut self, length: usize) -> Result<&'b [u8], Fault> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Fault::TooShort)?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn fixed64(&mut self) -> Result<u64, Fault> {
        let bytes = self.take(8)?.try_into().map_err(|_| Fault::TooShort)?;
        Ok(u64::from_le_bytes(bytes))
    }

    /// What goes beyond 64 bits is lost, as in Go; a tenth byte is the last.
    pub(super) fn varint(&mut self) -> Result<u64, Fault> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.take(1)?.first().ok_or(Fault::TooShort)?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(Fault::Overflow)
    }

    fn skip_group(&mut self) -> Result<(), Fault> {
        let mut open = 1_usize;
        while open > 0 {
            match self.tag()? {
                (_, 3) => open += 1,
                (_, 4) => open -= 1,
                (_, wire_type) => {
                    self.content(wire_type)?;
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_told_apart() {
        let all = |bytes: &'static [u8]| {
            let (mut cursor, mut found) = (Cursor(bytes), Vec::new());
            while let Some(field) = cursor.next()? {
                found.push(field);
            }
            Ok(found)
        };
        let check = |bytes, want| assert_eq!(all(bytes), want, "{bytes:?}");
        check(b"", Ok(vec![]));
        check(b"\x08\x96\x01", Ok(vec![(1, Content::Varint(150))]));
        check(b"\x12\x02hi\x10\x00", Ok(vec![(2, Content::Bytes(b"hi")), (2, Content::Varint(0))]));
        check(b"\x09\x01\0\0\0\0\0\0\0", Ok(vec![(1, Content::Fixed64(1))]));
        check(b"\x0d\0\0\0\0", Ok(vec![(1, Content::Fixed32)]));
        check(b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", Ok(vec![(1, Content::Varint(u64::MAX))]));
        check(b"\x0b\x13\x08\x01\x14\x0c\x08\x02", Ok(vec![(1, Content::Group), (1, Content::Varint(2))]));
        check(b"\x12\x05hi", Err(Fault::TooShort));
        check(b"\x08", Err(Fault::TooShort));
        check(b"\x0b\x08\x01", Err(Fault::TooShort));
        check(b"\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", Err(Fault::TooShort));
        check(b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", Err(Fault::Overflow));
        check(b"\x00\x01", Err(Fault::Tag(0, 0)));
        check(b"\x0e", Err(Fault::WireType(6)));
        check(b"\x0c", Err(Fault::EndOfGroup));
    }
}
