//! Bytes in JSON, as Go's `base64.StdEncoding` reads them: newlines count for nothing, padding is needed.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The text with which the same bytes are written: `None` for the one given. The error is where the text goes wrong, in bytes.
pub(super) fn canonical(text: &str) -> Result<Option<String>, usize> {
    let bytes = text.as_bytes();
    let mut groups: Vec<[u8; 4]> = Vec::with_capacity(bytes.len() / 4);
    let (mut group, mut filled, mut at) = ([0; 4], 0, 0);
    while let Some(&byte) = bytes.get(at) {
        at += 1;
        match byte {
            b'\n' | b'\r' => {}
            b'=' => {
                end(bytes, at, filled)?;
                groups.push(last(group, filled));
                filled = 0;
                break;
            }
            byte => {
                let sextet = sextet(byte).ok_or(at - 1)?;
                if let Some(place) = group.get_mut(filled) {
                    *place = sextet;
                }
                filled += 1;
            }
        }
        if filled == 4 {
            groups.push(group.map(letter));
            filled = 0;
        }
    }
    if filled > 0 {
        return Err(at - filled);
    }
    let written: String = groups.concat().iter().map(|byte| char::from(*byte)).collect();
    Ok((written != text).then_some(written))
}

/// The text of bytes.
pub(super) fn written(bytes: &[u8]) -> String {
    let group = |chunk: &[u8]| {
        let byte = |at: usize| chunk.get(at).copied().unwrap_or_default();
        let (a, b, c) = (byte(0), byte(1), byte(2));
        let group = [a >> 2, (a & 3) << 4 | b >> 4, (b & 15) << 2 | c >> 6, c & 63];
        match chunk.len() {
            1 => last(group, 2),
            2 => last(group, 3),
            _ => group.map(letter),
        }
    };
    bytes.chunks(3).flat_map(group).map(char::from).collect()
}

/// Checks what follows the first `=`, which stands before `at`.
fn end(bytes: &[u8], mut at: usize, filled: usize) -> Result<(), usize> {
    let skip = |at: &mut usize| {
        while matches!(bytes.get(*at), Some(b'\n' | b'\r')) {
            *at += 1;
        }
    };
    match filled {
        0 | 1 => return Err(at - 1),
        2 => {
            skip(&mut at);
            match bytes.get(at) {
                None => return Err(bytes.len()),
                Some(b'=') => at += 1,
                Some(_) => return Err(at - 1),
            }
        }
        _ => {}
    }
    skip(&mut at);
    if at < bytes.len() { Err(at) } else { Ok(()) }
}

/// The last group, with its padding. The bits that belong to no byte are not kept.
fn last(group: [u8; 4], filled: usize) -> [u8; 4] {
    let [a, b, c, _] = group;
    match filled {
        2 => [letter(a), letter(b & 0b11_0000), b'=', b'='],
        _ => [letter(a), letter(b), letter(c & 0b11_1100), b'='],
    }
}

fn letter(sextet: u8) -> u8 {
    ALPHABET.get(usize::from(sextet)).copied().unwrap_or(b'=')
}

fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' => Some(62),
        b'/' => Some(63),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_made_canonical_or_refused_where_it_goes_wrong() {
        let check = |text: &str, want: Result<Option<&str>, usize>| {
            assert_eq!(canonical(text), want.map(|text| text.map(str::to_owned)), "{text:?}");
        };
        for text in ["", "QQ==", "QUI=", "QUJD", "QUJDRA=="] {
            check(text, Ok(None));
        }
        for (bytes, text) in [
            (&b""[..], ""),
            (b"A", "QQ=="),
            (b"AB", "QUI="),
            (b"ABC", "QUJD"),
            (b"\xff\xfe\xfd\xfc", "//79/A=="),
        ] {
            assert_eq!(written(bytes), text);
        }
        check("QU\nJD\r\n", Ok(Some("QUJD")));
        check("QR==", Ok(Some("QQ==")));
        check("QUJ=", Ok(Some("QUI=")));
        check("QQ=\n=\n", Ok(Some("QQ==")));
        check("QQ", Err(0));
        check("QUJDQQ", Err(4));
        check("QQ=", Err(3));
        check("QQ=x", Err(2));
        check("Q===", Err(1));
        check("=", Err(0));
        check("QQ==QQ==", Err(4));
        check("Q-==", Err(1));
        check("not base64!", Err(3));
    }
}
