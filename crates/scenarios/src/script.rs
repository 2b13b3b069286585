//! The text of a scenario.
//!
//! A line that begins at the margin is a command; indented lines after it are its body; lines that begin with `> ` tell what happened
//! then. `#` begins a comment.

/// A scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Script {
    lines: Vec<Line>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Line {
    /// A comment, or an empty line.
    Other(String),
    Scene(Scene),
}

/// A command with its body, and what happened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Scene {
    pub(crate) command: String,
    /// Without the first two spaces of each line.
    pub(crate) body: Vec<String>,
    pub(crate) told: Vec<String>,
}

impl Script {
    /// Reads a text; every text is a script.
    pub(crate) fn parse(text: &str) -> Self {
        let mut lines: Vec<Line> = Vec::new();
        // Empty lines inside a body belong to it, those after it do not.
        let mut empty = 0;
        for line in text.lines() {
            let body = line.strip_prefix("  ");
            let told = line.strip_prefix('>').map(|told| told.strip_prefix(' ').unwrap_or(told));
            if line.trim().is_empty() {
                empty += 1;
                continue;
            }
            match (lines.last_mut(), body, told) {
                (Some(Line::Scene(scene)), Some(body), _) if scene.told.is_empty() => {
                    scene.body.extend(std::iter::repeat_n(String::new(), std::mem::take(&mut empty)));
                    scene.body.push(body.to_owned());
                    continue;
                }
                (Some(Line::Scene(scene)), _, Some(told)) => {
                    scene.told.push(told.to_owned());
                    empty = 0;
                    continue;
                }
                _ => {}
            }
            lines.extend(std::iter::repeat_n(Line::Other(String::new()), std::mem::take(&mut empty)));
            lines.push(match line.starts_with('#') {
                true => Line::Other(line.to_owned()),
                false => Line::Scene(Scene { command: line.trim_end().to_owned(), ..Scene::default() }),
            });
        }
        Self { lines }
    }

    pub(crate) fn scenes(&self) -> impl Iterator<Item = &Scene> {
        self.lines.iter().filter_map(|line| match line {
            Line::Scene(scene) => Some(scene),
            Line::Other(_) => None,
        })
    }

    /// The text with what happens now: for each command, what was told after it.
    pub(crate) fn rewritten(&self, told: &[Vec<String>]) -> String {
        let (mut text, mut told) = (String::new(), told.iter());
        for line in &self.lines {
            match line {
                Line::Other(line) => text.push_str(line),
                Line::Scene(scene) => {
                    text.push_str(&scene.command);
                    for line in &scene.body {
                        text.push('\n');
                        if !line.is_empty() {
                            text.push_str("  ");
                            text.push_str(line);
                        }
                    }
                    for line in told.next().into_iter().flatten() {
                        text.push_str("\n> ");
                        text.push_str(line);
                    }
                }
            }
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_read_and_written() {
        let text = "# About.\n\ncommit\n  a/x.yaml: ConfigMap x\n  a/y.yaml:\n    kind: A\n\n    name: b\nsettle\n> old\n\nwait 5s\n";
        let script = Script::parse(text);
        let scenes: Vec<_> = script.scenes().collect();
        assert_eq!(scenes.len(), 3);
        assert_eq!(scenes[0].body.len(), 5);
        assert_eq!(scenes[1].told, ["old"]);
        let told = [vec![], vec!["old".to_owned()], vec![]];
        assert_eq!(script.rewritten(&told), text);
        assert!(script.rewritten(&[vec![], vec!["new".to_owned()]]).contains("settle\n> new\n\nwait"));
    }
}
