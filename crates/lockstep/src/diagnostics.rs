//! Findings as rustc shows its errors: the line, the place in it, and what to do.

use annotate_snippets::{AnnotationKind, Group, Level, Origin as Place, Renderer, Snippet};
use lockstep_core::{Finding, Origin};

/// A file that a finding points into.
pub(crate) struct File {
    /// The path to show: what the user typed, then the path from there.
    pub(crate) path: String,
    /// Its text.
    pub(crate) text: String,
}

/// One finding, drawn; `file` is the one that it points into, where it can be had.
pub(crate) fn draw(finding: &Finding, file: Option<&File>, renderer: &Renderer) -> String {
    let level = if finding.is_error() { Level::ERROR } else { Level::WARNING };
    let mut group = Group::with_title(level.primary_title(&finding.message).id(finding.rule));
    match (&finding.origin, file) {
        (Some(origin), Some(file)) if origin.line > 0 && !may_hold_secrets(&file.text) => {
            let span = span(&file.text, origin, finding.text.as_deref());
            let mark = AnnotationKind::Primary.span(span);
            group = group.element(Snippet::source(&file.text).path(&file.path).annotation(mark));
        }
        (Some(origin), file) => group = group.element(place(origin, file)),
        (None, _) => {}
    }
    group = group.elements(finding.hint.as_ref().map(|hint| Level::HELP.message(hint)));
    renderer.render(&[group])
}

/// `2 errors and 1 warning`, or nothing where there are none.
pub(crate) fn count(findings: &[Finding]) -> Option<String> {
    let errors = findings.iter().filter(|finding| finding.is_error()).count();
    let counted = |count: usize, word: &str| match count {
        0 => None,
        1 => Some(format!("1 {word}")),
        _ => Some(format!("{count} {word}s")),
    };
    let parts = [counted(errors, "error"), counted(findings.len() - errors, "warning")];
    let parts: Vec<String> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| parts.join(" and "))
}

fn place<'a>(origin: &'a Origin, file: Option<&'a File>) -> Place<'a> {
    let place = Place::path(file.map_or(&*origin.file, |file| &file.path));
    match (origin.line as usize, origin.column as usize) {
        (0, _) => place,
        (line, 0) => place.line(line),
        (line, column) => place.line(line).char_column(column),
    }
}

/// Of a file with a Secret no line is shown: diagnostics end up in the logs of build servers.
fn may_hold_secrets(text: &str) -> bool {
    text.lines().any(|line| line.contains("kind") && line.contains("Secret"))
}

/// The bytes to underline: the offending text if it is there, else the word.
fn span(text: &str, origin: &Origin, offending: Option<&str>) -> std::ops::Range<usize> {
    let mut start = 0;
    for line in text.split_inclusive('\n').take(origin.line as usize - 1) {
        start += line.len();
    }
    let line = text[start..].lines().next().unwrap_or_default();
    let column = (origin.column as usize).saturating_sub(1);
    let offset = line.char_indices().nth(column).map_or(line.len(), |(offset, _)| offset);
    let rest = &line[offset..];
    let length = match offending {
        Some(offending) if !offending.is_empty() && rest.starts_with(offending) => offending.len(),
        _ => rest.find(char::is_whitespace).unwrap_or(rest.len()),
    };
    let first = rest.chars().next().map_or(0, char::len_utf8);
    start + offset..start + offset + length.max(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(finding: &Finding, text: &str) -> String {
        let file = File { path: "apps/a.yaml".to_owned(), text: text.to_owned() };
        draw(finding, Some(&file), &Renderer::plain())
    }

    #[test]
    fn a_finding_points_into_its_file() {
        let finding = Finding::error("yaml-syntax", "mapping values are not allowed here")
            .at(Origin::new("a.yaml", 2, 9))
            .with_hint("put the value in quotes");
        let expected = "\
error[yaml-syntax]: mapping values are not allowed here
 --> apps/a.yaml:2:9
  |
2 |   name: é: b
  |         ^^
  |
  = help: put the value in quotes";
        assert_eq!(drawn(&finding, "metadata:\n  name: é: b\n"), expected);
    }

    #[test]
    fn nothing_of_a_secret_is_shown() {
        let finding = Finding::error("bad-base64", "data.a is not base64").at(Origin::new("a.yaml", 2, 11));
        for text in
            ["kind: Secret\ndata: {a: hunter2}\n", "{\"kind\":\"Secret\",\n\"data\": {\"a\": \"hunter2\"}}"]
        {
            assert_eq!(
                drawn(&finding, text),
                "error[bad-base64]: data.a is not base64\n--> apps/a.yaml:2:11"
            );
        }
    }

    #[test]
    fn findings_without_a_line_or_a_file_say_what_they_can() {
        let warning = Finding::warning("no-manifest", "holds no object").at(Origin::file("a.yaml"));
        assert_eq!(drawn(&warning, "x"), "warning[no-manifest]: holds no object\n--> apps/a.yaml");
        let plain = Renderer::plain();
        let bare = Finding::error("no-such-path", "nothing there").with_hint("look again");
        assert_eq!(draw(&bare, None, &plain), "error[no-such-path]: nothing there\n |\n = help: look again");
        let lost = Finding::error("x", "y").at(Origin::new("b.yaml", 7, 0));
        assert_eq!(draw(&lost, None, &plain), "error[x]: y\n--> b.yaml:7");
    }

    #[test]
    fn places_past_the_text_do_no_harm() {
        for (line, column) in [(1, 99), (99, 1), (2, 1)] {
            drawn(&Finding::error("x", "y").at(Origin::new("a.yaml", line, column)), "one line");
        }
    }

    #[test]
    fn findings_are_counted() {
        let (error, warning) = (Finding::error("e", ""), Finding::warning("w", ""));
        assert_eq!(count(&[]), None);
        assert_eq!(count(&[error.clone(), error, warning.clone()]).unwrap(), "2 errors and 1 warning");
        assert_eq!(count(&[warning]).unwrap(), "1 warning");
    }
}
