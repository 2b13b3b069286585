//! Base64, in its two alphabets.

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// In the alphabet for URLs, without padding.
pub(crate) fn encode_url(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let byte = |index: usize| u32::from(chunk.get(index).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for index in 0..=chunk.len() {
            let letter = bits >> (18 - 6 * index) & 63;
            out.push(char::from(URL[letter as usize]));
        }
    }
    out
}

/// From the alphabet for URLs, without padding. The error is the place where the text is no base64.
pub(crate) fn decode_url(text: &str) -> Result<Vec<u8>, usize> {
    read(text, URL)
}

/// From the common alphabet, with padding and line ends.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let text: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
    read(text.trim_end_matches('='), STANDARD).ok()
}

fn read(text: &str, alphabet: &[u8; 64]) -> Result<Vec<u8>, usize> {
    let mut out = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count) = (0u32, 0);
    for (at, byte) in text.bytes().enumerate() {
        let letter = alphabet.iter().position(|letter| *letter == byte).ok_or(at)?;
        bits = bits << 6 | u32::try_from(letter).unwrap_or(0);
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push(u8::try_from(bits >> count & 0xff).unwrap_or(0));
        }
    }
    if text.len() % 4 == 1 { Err(text.len()) } else { Ok(out) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_survive_the_round_trip() {
        for text in ["", "f", "fo", "foo", "foob", "\u{ff}\u{fe}?>"] {
            assert_eq!(decode_url(&encode_url(text.as_bytes())).unwrap(), text.as_bytes());
        }
        assert_eq!(decode("Zm9v\nYg==").unwrap(), b"foob");
        assert_eq!(decode_url("a+b").unwrap_err(), 1);
    }
}
