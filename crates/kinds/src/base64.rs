//! Base64 as the server reads bytes.

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// How many bytes a text stands for.
pub(crate) fn decoded_len(text: &str) -> usize {
    let digits = text.bytes().filter(|byte| ALPHABET.contains(byte)).count();
    digits * 6 / 8
}

/// The bytes that a text stands for; `None` for what is no base64.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut buffer, mut bits) = (Vec::with_capacity(decoded_len(text)), 0_u32, 0);
    let digits = text.trim_end_matches('=').bytes().filter(|byte| !matches!(byte, b'\r' | b'\n'));
    for digit in digits {
        let value = ALPHABET.iter().position(|known| *known == digit)?;
        buffer = buffer << 6 | u32::try_from(value).ok()?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(buffer >> bits & 0xff).ok()?);
        }
    }
    Some(bytes)
}

/// The text for some bytes.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let group = chunk
            .iter()
            .enumerate()
            .fold(0_u32, |group, (index, byte)| group | u32::from(*byte) << (16 - 8 * index));
        for place in 0..4 {
            let digit = ALPHABET[(group >> (18 - 6 * place) & 0x3f) as usize];
            text.push(if place <= chunk.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_go_there_and_back() {
        for (bytes, text) in
            [("", ""), ("a", "YQ=="), ("ab", "YWI="), ("abc", "YWJj"), ("hello", "aGVsbG8="), ("é", "w6k=")]
        {
            assert_eq!(encode(bytes.as_bytes()), text);
            assert_eq!(decode(text).unwrap(), bytes.as_bytes());
            assert_eq!(decoded_len(text), bytes.len());
        }
        assert_eq!(decode("a?"), None);
    }
}
