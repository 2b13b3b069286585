//! The lines of a watch.

use serde::Deserialize;
use serde_json::value::RawValue;

/// One line: what happened, and to what.
#[derive(Deserialize)]
pub(super) struct Frame<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow)]
    pub(super) object: &'a RawValue,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FrameKind {
    Applied,
    Deleted,
    Bookmark,
    Error,
    Other,
}

impl<'a> Frame<'a> {
    pub(super) fn parse(line: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }

    pub(super) fn kind(&self) -> FrameKind {
        match self.kind {
            "ADDED" | "MODIFIED" => FrameKind::Applied,
            "DELETED" => FrameKind::Deleted,
            "BOOKMARK" => FrameKind::Bookmark,
            "ERROR" => FrameKind::Error,
            _ => FrameKind::Other,
        }
    }
}

/// Cuts chunks into lines; only a line that crosses chunks is copied.
#[derive(Default)]
pub(super) struct Lines {
    rest: Vec<u8>,
}

impl Lines {
    pub(super) fn feed<E>(
        &mut self,
        chunk: &[u8],
        mut each: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut chunk = chunk;
        while let Some(at) = chunk.iter().position(|byte| *byte == b'\n') {
            let (line, tail) = (&chunk[..at], &chunk[at + 1..]);
            chunk = tail;
            if self.rest.is_empty() {
                if !line.is_empty() {
                    each(line)?;
                }
                continue;
            }
            self.rest.extend_from_slice(line);
            let whole = std::mem::take(&mut self.rest);
            each(&whole)?;
        }
        self.rest.extend_from_slice(chunk);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(chunks: &[&str]) -> Vec<String> {
        let (mut lines, mut seen) = (Lines::default(), vec![]);
        for chunk in chunks {
            let push = |line: &[u8]| {
                seen.push(String::from_utf8(line.to_vec()).unwrap());
                Ok::<(), ()>(())
            };
            lines.feed(chunk.as_bytes(), push).unwrap();
        }
        seen
    }

    #[test]
    fn lines_are_whole_wherever_chunks_end() {
        assert_eq!(lines(&["a\nb\n"]), ["a", "b"]);
        assert_eq!(lines(&["a", "b\nc", "\n", "\nd"]), ["ab", "c"]);
    }

    #[test]
    fn frames_name_what_happened() {
        let frame = Frame::parse(br#"{"type":"DELETED","object":{"a":1}}"#).unwrap();
        assert_eq!((frame.kind(), frame.object.get()), (FrameKind::Deleted, r#"{"a":1}"#));
        assert!(Frame::parse(b"{\"type\":\"ADDED\"}").is_none());
    }
}
