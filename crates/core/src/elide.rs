//! Long texts, shortened the same everywhere.

use std::borrow::Cow;

/// Characters that are kept of the beginning and of the end: with a hint they fit into an item of a condition's message.
const KEPT: (usize, usize) = (130, 90);

/// What an API server says, without its middle where it is long: there the whole of a refused value is repeated. What failed is before
/// it, why is behind it.
pub fn elide(text: &str) -> Cow<'_, str> {
    let (head, tail) = KEPT;
    let start = text.char_indices().nth(head).map(|(at, _)| at);
    let end = text.char_indices().nth_back(tail).map(|(at, _)| at);
    match start.zip(end).filter(|(start, end)| start < end) {
        Some((start, end)) => format!("{}… {}", &text[..start], &text[end..]).into(),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_keeps_what_failed_and_why() {
        let long = format!("Job is invalid: {}: field is immutable", "é{}".repeat(300));
        for (text, begins, ends) in
            [("short", "short", "short"), (&long, "Job is invalid: é{}", "é{}: field is immutable")]
        {
            let found = elide(text);
            assert!(found.starts_with(begins) && found.ends_with(ends), "{found}");
            assert!(found.chars().count() <= KEPT.0 + KEPT.1 + 3, "{found}");
        }
    }
}
