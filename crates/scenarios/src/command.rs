//! What a line of a scenario asks for.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::fault::{Effect, Fault};
use crate::forge::Files;
use crate::script::Scene;
use crate::shorthand::manifest;
use crate::world::{Crash, Moment};

/// One command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Command {
    /// Commits files; `told`: the controller hears of it at once.
    Commit { repository: String, files: Files, told: bool },
    /// Makes or changes an Application, by words like `path=web`, `prune`.
    App { name: String, words: Vec<String> },
    /// Somebody writes manifests.
    Manifests { how: How, manager: String, text: String },
    /// Somebody changes an object by a merge patch.
    Patch { target: Target, manager: String, patch: String, subresource: String },
    /// Somebody deletes an object.
    Delete { target: Target, cascade: String },
    /// Somebody looks at an object.
    Show { target: Target, path: Vec<String> },
    /// Somebody asks why an Application is as it is.
    Why { app: String },
    /// Somebody sets one of the annotations that ask for something: `sync`, `refresh`, `approve`, `abort`; `only=ConfigMap/a`: for
    /// some objects.
    Ask { app: String, what: String, only: Option<String> },
    /// Time passes.
    Wait(Duration),
    /// Time passes until nothing happens any more.
    Settle,
    /// Something is going to go wrong.
    Fault(Fault),
    /// What was going to go wrong does not.
    Calm,
    /// The controller is going to die.
    Crash(Crash),
    /// The controller ends and begins anew, or begins after it died.
    Restart,
    /// The controller ends.
    Stop,
    /// The API server can, or cannot, be reached.
    Api { away: bool },
    /// A repository can, or cannot, be reached.
    Repository { name: String, away: bool },
    /// Watches break.
    Break,
    /// Watches are told that their position is too old.
    Expire,
    /// How long each answer takes.
    Latency(Duration),
}

/// How manifests are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    Create,
    Apply,
}

/// An object, by words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) kind: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Target {
    /// `Kind/name` in `default`, or `Kind/namespace/name`.
    fn parse(text: &str) -> Result<Self> {
        let parts: Vec<&str> = text.split('/').collect();
        let (kind, namespace, name) = match parts[..] {
            [kind, name] => (kind, "default", name),
            [kind, namespace, name] => (kind, namespace, name),
            _ => bail!("{text} is not Kind/name"),
        };
        Ok(Self { kind: kind.to_owned(), namespace: namespace.to_owned(), name: name.to_owned() })
    }
}

impl Command {
    /// Reads a command.
    pub(crate) fn parse(scene: &Scene) -> Result<Self> {
        Self::read(scene).with_context(|| format!("`{}`", scene.command))
    }

    fn read(scene: &Scene) -> Result<Self> {
        let (verb, rest) = scene.command.split_once(' ').unwrap_or((&scene.command, ""));
        let rest = rest.trim();
        let words: Vec<&str> = rest.split_whitespace().collect();
        let first = words.first().copied().unwrap_or_default();
        Ok(match verb {
            "commit" => Self::Commit {
                repository: words.iter().find(|word| **word != "quietly").unwrap_or(&"repo").to_string(),
                files: files(&scene.body)?,
                told: !words.contains(&"quietly"),
            },
            "app" => Self::App {
                name: first.to_owned(),
                words: words.iter().skip(1).map(|word| word.to_string()).collect(),
            },
            "create" => manifests(How::Create, &words, &scene.body)?,
            "apply" => manifests(How::Apply, &words, &scene.body)?,
            "patch" | "scale" | "status" => patch(verb, rest)?,
            "delete" => Self::Delete {
                target: Target::parse(first)?,
                cascade: words.get(1).unwrap_or(&"Background").to_string(),
            },
            "show" => Self::Show {
                target: Target::parse(first)?,
                path: words
                    .get(1)
                    .unwrap_or(&"")
                    .split('.')
                    .filter(|part| !part.is_empty())
                    .map(str::to_owned)
                    .collect(),
            },
            "why" => Self::Why { app: first.to_owned() },
            "approve" | "sync" | "refresh" | "abort" => {
                let only = words.get(1).and_then(|word| word.strip_prefix("only="));
                Self::Ask { app: first.to_owned(), what: verb.to_owned(), only: only.map(str::to_owned) }
            }
            "wait" => Self::Wait(duration(first)?),
            "settle" => Self::Settle,
            "fault" => Self::Fault(fault(&words)?),
            "calm" => Self::Calm,
            "crash" => Self::Crash(crash(&words)?),
            "restart" => Self::Restart,
            "stop" => Self::Stop,
            "api" => Self::Api { away: first == "away" },
            "repository" => Self::Repository {
                name: if words.len() > 1 { first.to_owned() } else { "repo".to_owned() },
                away: words.last() == Some(&"away"),
            },
            "break" => Self::Break,
            "expire" => Self::Expire,
            "latency" => Self::Latency(duration(first)?),
            other => bail!("{other} is no command"),
        })
    }
}

/// `path: shorthand`, `path: gone`, or `path:` and the manifest below, further indented.
fn files(body: &[String]) -> Result<Files> {
    let mut files: Files = Vec::new();
    let mut open = false;
    for line in body {
        if let Some(content) = line.strip_prefix("  ").or(line.is_empty().then_some("")).filter(|_| open) {
            if let Some((_, Some(text))) = files.last_mut() {
                text.push_str(content);
                text.push('\n');
            }
            continue;
        }
        let (path, content) = line.split_once(':').with_context(|| format!("{line}: no path"))?;
        let content = content.trim();
        open = content.is_empty();
        files.push((
            path.to_owned(),
            match content {
                "" => Some(String::new()),
                "gone" => None,
                line => Some(manifest(line)?),
            },
        ));
    }
    Ok(files)
}

/// `as MANAGER`, with manifests or shorthands below.
fn manifests(how: How, words: &[&str], body: &[String]) -> Result<Command> {
    let manager = words.iter().skip_while(|word| **word != "as").nth(1).unwrap_or(&"kubectl").to_string();
    let text = match body {
        [line] if !line.contains(": ") && !line.ends_with(':') => manifest(line)?,
        body => body.join("\n"),
    };
    Ok(Command::Manifests { how, manager, text })
}

/// `Kind/name as MANAGER {…}`; `scale Kind/name as MANAGER 3`.
fn patch(verb: &str, rest: &str) -> Result<Command> {
    let (target, rest) = rest.split_once(" as ").context("says not as whom")?;
    let (manager, content) = rest.trim().split_once(' ').context("says not what")?;
    let (patch, subresource) = match verb {
        "scale" => (format!(r#"{{"spec":{{"replicas":{}}}}}"#, content.trim()), "scale"),
        "status" => (content.to_owned(), "status"),
        _ => (content.to_owned(), ""),
    };
    Ok(Command::Patch {
        target: Target::parse(target.trim())?,
        manager: manager.to_owned(),
        patch,
        subresource: subresource.to_owned(),
    })
}

/// `503 [next N] [VERB [RESOURCE [NAME]]]`; instead of a code `unsent`, `unanswered` or a time by which the answer is late.
fn fault(words: &[&str]) -> Result<Fault> {
    let (first, rest) = words.split_first().context("says not what goes wrong")?;
    let effect = match *first {
        "unsent" => Effect::Unsent,
        "unanswered" => Effect::Unanswered,
        "late" => Effect::Late(duration(rest.first().context("says not how late")?)?),
        code => Effect::Refused(code.parse().context("is no code")?),
    };
    let rest = if matches!(effect, Effect::Late(_)) { &rest[1..] } else { rest };
    let (times, rest) = match rest {
        ["next", times, rest @ ..] => (times.parse().context("is no count")?, rest),
        rest => (1, rest),
    };
    let word = |index: usize| rest.get(index).map(|word| word.to_string()).filter(|word| word != "any");
    Ok(Fault { effect, times, verb: word(0), resource: word(1), name: word(2) })
}

/// `before write N` or `after write N`.
fn crash(words: &[&str]) -> Result<Crash> {
    let moment = match words.first() {
        Some(&"before") => Moment::Before,
        Some(&"after") => Moment::After,
        _ => bail!("says neither before nor after"),
    };
    let write = words.get(2).context("says not at which write")?.parse().context("is no count")?;
    Ok(Crash { write, moment })
}

fn duration(text: &str) -> Result<Duration> {
    api::parse_duration(text).with_context(|| format!("{text} is no time"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::Script;

    fn read(text: &str) -> Result<Command> {
        Command::parse(Script::parse(text).scenes().next().unwrap())
    }

    #[test]
    fn commands_are_read() {
        let fault = |effect, times, words: [Option<&str>; 3]| {
            let [verb, resource, name] = words.map(|word| word.map(str::to_owned));
            Command::Fault(Fault { effect, times, verb, resource, name })
        };
        for (text, expected) in [
            ("wait 5s", Command::Wait(Duration::from_secs(5))),
            ("crash after write 2", Command::Crash(Crash { write: 2, moment: Moment::After })),
            (
                "fault 503 next 3 patch deployments",
                fault(Effect::Refused(503), 3, [Some("patch"), Some("deployments"), None]),
            ),
            ("fault late 5s", fault(Effect::Late(Duration::from_secs(5)), 1, [None, None, None])),
            ("repository away", Command::Repository { name: "repo".into(), away: true }),
            ("repository other back", Command::Repository { name: "other".into(), away: false }),
        ] {
            assert_eq!(read(text).unwrap(), expected, "{text}");
        }
        for text in ["dance", "wait long", "crash at once", "patch X/y as z", "show x"] {
            assert!(read(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_files_of_a_commit() {
        let text =
            "commit\n  a/x.yaml: ConfigMap x\n  a/y.yaml:\n    kind: A\n\n    b: c\n  a/z.yaml: gone\n";
        let Command::Commit { repository, files, told } = read(text).unwrap() else { unreachable!() };
        assert!(repository == "repo" && told);
        assert_eq!(files[1], ("a/y.yaml".into(), Some("kind: A\n\nb: c\n".into())));
        assert_eq!(files[2], ("a/z.yaml".into(), None));
    }
}
