//! Base64 as the server reads bytes.

use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, Engine, GeneralPurpose, GeneralPurposeConfig};

/// Padding may be missing, and bits behind the last byte may be set.
const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// How many bytes a text stands for.
pub(crate) fn decoded_len(text: &str) -> usize {
    text.bytes().filter(|byte| !matches!(byte, b'=' | b'\r' | b'\n')).count() * 6 / 8
}

/// The bytes that a text stands for; `None` for what is no base64. Line ends count for nothing.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    match text.contains(['\r', '\n']) {
        true => LENIENT.decode(text.replace(['\r', '\n'], "")).ok(),
        false => LENIENT.decode(text).ok(),
    }
}

/// The text for some bytes.
pub(crate) fn encode(bytes: &[u8]) -> String {
    LENIENT.encode(bytes)
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
        assert_eq!((decode("a?"), decode("aGVs*bG8=")), (None, None));
        assert_eq!(decode("YWJj\r\nYQ==").unwrap(), b"abca");
        assert_eq!((decode("YQ").unwrap(), decode("YR==").unwrap()), (b"a".to_vec(), b"a".to_vec()));
    }
}
