//! Commands with what they are given and what they answer.
//!
//! `$ get cm a` runs kubectl, `$~ …` does so until the answer is as expected (for what happens by and by), `< …` is a line of its
//! standard input, `> …` one of its output, `! …` one of its error output, `= 1` its exit code where that is not 0.
//! `$NS` stands for the namespace; `#` begins a comment.
use std::fmt::{self, Display, Formatter, Write as _};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use xtask::Cluster;

use super::neutral::neutral;

/// How long is waited for what happens by and by.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long it is given when its answer is recorded.
const SETTLED: Duration = Duration::from_secs(4);

/// Where a transcript is played.
pub(crate) struct Stage {
    kubeconfig: PathBuf,
    namespace: String,
    cache: tempfile::TempDir,
}

impl Stage {
    pub(crate) fn new(cluster: &Cluster, namespace: String) -> Self {
        let cache = tempfile::tempdir().expect("temporary directory");
        Self { kubeconfig: cluster.kubeconfig().to_path_buf(), namespace, cache }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Transcript {
    pub(crate) steps: Vec<Step>,
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Step {
    comment: Vec<String>,
    command: String,
    by_and_by: bool,
    input: Vec<String>,
    answer: Answer,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Answer {
    output: Vec<String>,
    complaint: Vec<String>,
    code: i32,
}

impl Transcript {
    pub(crate) fn read(file: &Path) -> Self {
        let text =
            std::fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let mut steps: Vec<Step> = Vec::new();
        let mut comment = Vec::new();
        for line in text.lines() {
            let (mark, rest) = line.split_once(' ').unwrap_or((line, ""));
            let rest = rest.to_owned();
            if matches!(mark, "$" | "$~") {
                let comment = std::mem::take(&mut comment);
                steps.push(Step { comment, command: rest, by_and_by: mark == "$~", ..Step::default() });
                continue;
            }
            match (mark, steps.last_mut()) {
                ("#" | "", _) => comment.push(line.to_owned()),
                ("<", Some(step)) => step.input.push(rest),
                (">", Some(step)) => step.answer.output.push(rest),
                ("!", Some(step)) => step.answer.complaint.push(rest),
                ("=", Some(step)) => step.answer.code = rest.parse().expect("an exit code"),
                _ => panic!("{}: what is `{line}`?", file.display()),
            }
        }
        Self { steps }
    }

    /// The same commands with the answers that they get.
    pub(crate) fn play(&self, stage: &Stage) -> Self {
        let recording = std::env::var_os("LOCKSTEP_TEST_RECORD").is_some();
        let steps = self.steps.iter().map(|step| {
            let start = Instant::now();
            if recording && step.by_and_by {
                std::thread::sleep(SETTLED);
            }
            loop {
                let answer = step.run(stage);
                let enough = recording || !step.by_and_by || start.elapsed() > PATIENCE;
                if enough || answer == step.answer {
                    return Step { answer, ..step.clone() };
                }
                std::thread::sleep(Duration::from_millis(50));
            }
        });
        Self { steps: steps.collect() }
    }

    /// What was answered otherwise, command by command.
    pub(crate) fn differences(&self, played: &Self) -> String {
        let mut text = String::new();
        for (expected, got) in self.steps.iter().zip(&played.steps) {
            if expected.answer != got.answer {
                let _ = writeln!(text, "--- expected\n{expected}+++ got\n{got}");
            }
        }
        text
    }
}

impl Step {
    fn run(&self, stage: &Stage) -> Answer {
        let command = self.command.replace("$NS", &stage.namespace);
        let mut child = Command::new("kubectl")
            .arg("--kubeconfig")
            .arg(&stage.kubeconfig)
            .arg("--cache-dir")
            .arg(stage.cache.path())
            .args(["-n", &stage.namespace])
            .args(words(&command))
            .env_remove("KUBECONFIG")
            .env("HOME", stage.cache.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("kubectl");
        let input: String = self.input.iter().map(|line| format!("{line}\n")).collect();
        let mut stdin = child.stdin.take().expect("standard input");
        // A command that reads none may have closed it.
        let _ = stdin.write_all(input.replace("$NS", &stage.namespace).as_bytes());
        drop(stdin);
        let output = child.wait_with_output().expect("kubectl");
        let lines = |bytes: &[u8]| neutral(&String::from_utf8_lossy(bytes), &stage.namespace);
        Answer {
            output: lines(&output.stdout),
            complaint: lines(&output.stderr),
            code: output.status.code().unwrap_or(-1),
        }
    }
}

/// The words of a command; quotes hold one together.
fn words(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let (mut word, mut quote, mut begun) = (String::new(), None, false);
    for character in command.chars() {
        match (character, quote) {
            ('\'' | '"', None) => (quote, begun) = (Some(character), true),
            (end, Some(open)) if end == open => quote = None,
            (' ', None) if begun => {
                words.push(std::mem::take(&mut word));
                begun = false;
            }
            (' ', None) => {}
            (other, _) => {
                word.push(other);
                begun = true;
            }
        }
    }
    if begun {
        words.push(word);
    }
    words
}

impl Display for Step {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut line = |mark: &str, text: &str| match text {
            "" => writeln!(f, "{mark}"),
            text => writeln!(f, "{mark} {text}"),
        };
        line(if self.by_and_by { "$~" } else { "$" }, &self.command)?;
        self.input.iter().try_for_each(|text| line("<", text))?;
        self.answer.output.iter().try_for_each(|text| line(">", text))?;
        self.answer.complaint.iter().try_for_each(|text| line("!", text))?;
        match self.answer.code {
            0 => Ok(()),
            code => line("=", &code.to_string()),
        }
    }
}

impl Display for Transcript {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            step.comment.iter().try_for_each(|line| writeln!(f, "{line}"))?;
            write!(f, "{step}")?;
        }
        Ok(())
    }
}

#[test]
fn quotes_hold_words_together() {
    assert_eq!(
        words(r#"patch cm a -p '{"a": "b c"}'  --x="" y"#),
        ["patch", "cm", "a", "-p", r#"{"a": "b c"}"#, "--x=", "y"]
    );
}
