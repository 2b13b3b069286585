//! Base 64, standard or for URLs.

use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, Engine, GeneralPurpose, GeneralPurposeConfig};

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// The bytes of a text in either alphabet; `None` where it is not base 64. Padding may be missing, but not be wrong.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
    if text.ends_with('=') && !text.len().is_multiple_of(4) {
        return None;
    }
    LENIENT.decode(text.replace('-', "+").replace('_', "/")).ok()
}

/// The standard form, padded.
pub(crate) fn encode(bytes: &[u8]) -> String {
    LENIENT.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_go_in_and_out() {
        for (plain, coded) in [("", ""), ("a", "YQ=="), ("ab", "YWI="), ("abc", "YWJj")] {
            assert_eq!(encode(plain.as_bytes()), coded);
            assert_eq!(decode(coded).unwrap(), plain.as_bytes());
        }
        for wrong in ["%", "Y", "YQ=", "Y===", "Y=Q="] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
        assert_eq!(decode("YQ").unwrap(), b"a");
        assert_eq!(decode("-_-_").unwrap(), decode("+/+/").unwrap());
    }
}
