//! `!!binary`, as Go's `base64.StdEncoding` decodes it.

/// Decodes standard base64 with padding. Line breaks are skipped; unused bits may be set.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let mut bytes = text.bytes().filter(|b| !matches!(b, b'\r' | b'\n'));
    while let Some(first) = bytes.next() {
        let quad = [first, bytes.next()?, bytes.next()?, bytes.next()?];
        let padding = quad.iter().rev().take_while(|&&b| b == b'=').count();
        let bits = quad[..4 - padding].iter().try_fold(0_u32, |bits, &b| Some(bits << 6 | value(b)?))?;
        match padding {
            0 => out.extend_from_slice(&bits.to_be_bytes()[1..]),
            1 => out.extend_from_slice(&(bits >> 2).to_be_bytes()[2..]),
            #[allow(clippy::cast_possible_truncation)] // twelve bits, of which the upper eight are kept
            2 => out.push((bits >> 4) as u8),
            _ => return None,
        }
        if padding > 0 {
            return bytes.next().is_none().then_some(out);
        }
    }
    Some(out)
}

fn value(byte: u8) -> Option<u32> {
    let value = match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    };
    Some(value.into())
}

#[cfg(test)]
mod tests {
    use super::decode;

    #[test]
    fn base64_decodes_as_in_go() {
        for (text, expected) in [
            ("", Some(&b""[..])),
            ("aGVsbG8=", Some(b"hello")),
            ("aGVs\nbG8=\r\n", Some(b"hello")),
            ("aA==", Some(b"h")),
            ("aB==", Some(b"h")), // the low bits are not looked at
            ("/+8A", Some(b"\xFF\xEF\0")),
            ("aGVsbG8", None),
            ("a===", None),
            ("aA==aA==", None),
            ("aA=A", None),
            ("a-__", None),
            (" aA==", None),
        ] {
            assert_eq!(decode(text).as_deref(), expected, "{text:?}");
        }
    }
}
