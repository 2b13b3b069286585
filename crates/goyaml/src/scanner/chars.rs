//! Which characters are what.

/// A space or a tab.
pub(crate) fn is_blank(byte: u8) -> bool {
    byte == b' ' || byte == b'\t'
}

/// The line break at a place: its width in bytes, and what it reads as. Line and paragraph separators stay themselves.
#[inline]
pub(super) fn line_break(src: &[u8], at: usize) -> Option<(usize, &'static str)> {
    match *src.get(at)? {
        b'\n' => Some((1, "\n")),
        b'\r' => Some((if src.get(at + 1) == Some(&b'\n') { 2 } else { 1 }, "\n")),
        0xC2 if src.get(at + 1) == Some(&0x85) => Some((2, "\n")),
        0xE2 if src.get(at + 1) == Some(&0x80) => match src.get(at + 2) {
            Some(0xA8) => Some((3, "\u{2028}")),
            Some(0xA9) => Some((3, "\u{2029}")),
            _ => None,
        },
        _ => None,
    }
}

#[inline]
pub(super) fn is_break_or_end(src: &[u8], at: usize) -> bool {
    match src.get(at) {
        None => true,
        Some(b'\n' | b'\r') => true,
        Some(0xC2 | 0xE2) => line_break(src, at).is_some(),
        _ => false,
    }
}

#[inline]
pub(super) fn is_blank_break_or_end(src: &[u8], at: usize) -> bool {
    src.get(at).is_some_and(|&b| is_blank(b)) || is_break_or_end(src, at)
}

/// The characters of anchors and tag handles.
pub(super) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// What a plain scalar must look at.
pub(super) const ORDINARY: u8 = 0;
/// Blanks, breaks and the first bytes of the breaks beyond ASCII.
pub(super) const SPACE: u8 = 1;
/// `:`, which ends a plain scalar before a blank.
pub(super) const COLON: u8 = 2;
/// What ends a plain scalar in a flow collection.
pub(super) const FLOW: u8 = 3;

/// The class of each byte for plain scalars.
pub(super) static PLAIN: [u8; 256] = {
    let mut table = [ORDINARY; 256];
    table[b' ' as usize] = SPACE;
    table[b'\t' as usize] = SPACE;
    table[b'\n' as usize] = SPACE;
    table[b'\r' as usize] = SPACE;
    table[0xC2] = SPACE;
    table[0xE2] = SPACE;
    table[b':' as usize] = COLON;
    table[b',' as usize] = FLOW;
    table[b'?' as usize] = FLOW;
    table[b'[' as usize] = FLOW;
    table[b']' as usize] = FLOW;
    table[b'{' as usize] = FLOW;
    table[b'}' as usize] = FLOW;
    table
};
