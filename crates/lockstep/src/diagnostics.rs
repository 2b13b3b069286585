//! Findings as rustc shows its errors: the line, the place in it, and what to do.

use std::collections::BTreeMap;

use annotate_snippets::{AnnotationKind, Group, Level, Origin as Place, Renderer, Snippet};
use lockstep_core::{Finding, Origin};

use crate::terminal::Terminal;

/// A file that a finding points into.
#[derive(Clone)]
pub(crate) struct File {
    /// The path to show: what the user typed, then the path from there.
    pub(crate) path: String,
    /// Its text; empty where it is none.
    pub(crate) text: String,
}

impl File {
    /// A file of these bytes.
    pub(crate) fn new(path: String, bytes: Vec<u8>) -> Self {
        Self { path, text: String::from_utf8(bytes).unwrap_or_default() }
    }
}

/// One finding, drawn; `file` is the one that it points into, where it can be had.
fn draw(finding: &Finding, file: Option<&File>, renderer: &Renderer) -> String {
    let level = if finding.is_error() { Level::ERROR } else { Level::WARNING };
    let mut group = Group::with_title(level.primary_title(&finding.message).id(finding.rule));
    match (&finding.origin, file) {
        (Some(origin), Some(file)) if is_shown(&file.text, origin.line) => {
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

/// Tells every finding, and how many there are. `open` gives the file that one points into, by its path there.
pub(crate) fn tell(
    findings: &[Finding],
    open: impl Fn(&str) -> Option<File>,
    terminal: &mut Terminal,
) -> anyhow::Result<()> {
    let renderer = terminal.renderer();
    let mut files: BTreeMap<&str, Option<File>> = BTreeMap::new();
    for finding in findings {
        let file = finding.origin.as_ref();
        let file =
            file.and_then(|origin| files.entry(&origin.file).or_insert_with_key(|path| open(path)).as_ref());
        writeln!(terminal.err, "{}\n", draw(finding, file, &renderer))?;
    }
    if let Some(count) = count(findings) {
        writeln!(terminal.err, "{count}")?;
    }
    Ok(())
}

/// `2 errors and 1 warning`, or nothing where there are none.
fn count(findings: &[Finding]) -> Option<String> {
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

fn is_shown(text: &str, line: u32) -> bool {
    line > 0 && !text.is_empty() && !may_hold_secrets(text, line)
}

/// Of a file with a Secret no line is shown, nor is one with an address that holds a password: diagnostics end up in the logs of
/// build servers.
fn may_hold_secrets(text: &str, line: u32) -> bool {
    let secret = text.lines().any(|line| line.contains("kind") && line.contains("Secret"));
    let shown = text.lines().nth(line as usize - 1).unwrap_or_default();
    secret || shown.split("://").skip(1).any(names_a_user)
}

/// Whether an address without its scheme has something before its host.
fn names_a_user(address: &str) -> bool {
    address.split(['/', ' ', '"', '\'']).next().is_some_and(|host| host.contains('@'))
}

/// The bytes to underline: the offending text if it is there, else what is in quotes, else the word.
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
        _ => quoted(rest).unwrap_or_else(|| word(rest)),
    };
    let first = rest.chars().next().map_or(0, char::len_utf8);
    start + offset..start + offset + length.max(first)
}

/// The length of a text in quotes, with them.
fn quoted(text: &str) -> Option<usize> {
    let quote = text.chars().next().filter(|first| matches!(first, '"' | '\''))?;
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote == '"' => escaped = true,
            c if c == quote => return Some(at + 1),
            _ => {}
        }
    }
    None
}

/// The length of a word, without what closes a collection in flow style behind it, and without the colon of a name.
fn word(text: &str) -> usize {
    let word = text.split(char::is_whitespace).next().unwrap_or_default();
    let trimmed = word.trim_end_matches([',', '}', ']', ':']);
    match trimmed {
        "" | "{" | "[" => word.len(),
        _ => trimmed.len(),
    }
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
  |         ^
  |
  = help: put the value in quotes";
        assert_eq!(drawn(&finding, "metadata:\n  name: é: b\n"), expected);
    }

    #[test]
    fn what_is_underlined_is_the_word_or_what_is_in_quotes() {
        for (line, column, expected) in [
            ("mode: auto", 7, "auto"),
            ("{git: {url: ssh://h/x}}]", 13, "ssh://h/x"),
            (r#"{"url":"ssh://h/\"x y","path":"/a"}"#, 8, r#""ssh://h/\"x y""#),
            (r#"{"suspendd":true}"#, 2, r#""suspendd""#),
            ("suspendd: true", 1, "suspendd"),
            ("'open", 1, "'open"),
            ("spec: {}", 7, "{}"),
            ("}", 1, "}"),
        ] {
            let origin = Origin::new("a.yaml", 1, column);
            assert_eq!(&line[span(line, &origin, None)], expected, "{line}");
        }
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
        let odd = Finding::warning("odd-field", "m").at(Origin::new("a.yaml", 1, 6));
        for line in ["url: https://me:hunter2@h/x", "{\"url\": \"https://hunter2@h\"}"] {
            assert_eq!(drawn(&odd, line), "warning[odd-field]: m\n--> apps/a.yaml:1:6");
        }
        assert!(drawn(&odd, "url: https://h/x@y").contains("url: https://h/x@y"));
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
