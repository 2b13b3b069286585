//! Compares goyaml with Go on texts that neither has seen: `yamldiff ORACLE COUNT SEED [--all]`, or on
//! the texts of a file with one JSON string a line: `yamldiff ORACLE FILE 0 [--all]`.
//!
//! ORACLE is the program of tests/oracle/yamldiff. The texts are mutations of the recorded corpus. Every difference (with
//! `--all` every text) is printed as one line of JSON, which can go to tests/conformance/yaml/extra.json; the last lines are the
//! counts.
#![allow(clippy::print_stdout, clippy::disallowed_methods)] // a program that asks another program and prints

use std::error::Error;
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;

use lockstep_core::{Value, from_json};
use lockstep_goyaml::{Limits, Source, decode, emit, parse};
use serde_json::{Value as Json, json};

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [oracle, count, seed, options @ ..] = &arguments[..] else {
        return Err("usage: yamldiff ORACLE COUNT SEED [--all]".into());
    };
    let all = options == ["--all"];
    let texts = match count.parse() {
        Ok(count) => mutations(count, seed.parse()?)?,
        Err(_) => serde_json::Deserializer::from_slice(&std::fs::read(count)?)
            .into_iter::<String>()
            .collect::<Result<_, _>>()?,
    };
    let answers = ask(oracle, &texts)?;
    let mut differences = 0;
    for (text, answer) in texts.iter().zip(&answers) {
        let difference = difference(text, answer);
        differences += usize::from(difference.is_some());
        if all || difference.is_some() {
            let ours = difference.or_else(|| read(text).err().map(|error| error.to_string()));
            println!(
                "{}",
                json!({"yaml": text, "json": answer["json"], "written": answer["yaml"], "err": answer["err"], "ours": ours})
            );
        }
    }
    let accepted = answers.iter().filter(|answer| answer["json"].is_string()).count();
    println!("texts: {}\naccepted by Go: {accepted}\ndifferences: {differences}", texts.len());
    Ok(())
}

fn mutations(count: usize, seed: u64) -> Result<Vec<String>, Box<dyn Error>> {
    let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/conformance/yaml/cases.json");
    let corpus: Vec<Json> = serde_json::from_slice(&std::fs::read(corpus)?)?;
    let seeds: Vec<String> = corpus.iter().filter_map(|case| case["yaml"].as_str()).map(tail).collect();
    let mut random = Random(seed | 1);
    Ok((0..count).map(|_| mutate(&mut random, &seeds)).collect())
}

/// The part of a seed that differs from the others.
fn tail(text: &str) -> String {
    text.split_once("data:\n").map_or(text, |(_, tail)| tail).to_owned()
}

fn ask(oracle: &str, texts: &[String]) -> Result<Vec<Json>, Box<dyn Error>> {
    let mut child = Command::new(oracle).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
    let mut stdin = child.stdin.take().ok_or("no stdin")?;
    let lines: String = texts.iter().map(|text| format!("{}\n", json!(text))).collect();
    let writer = std::thread::spawn(move || stdin.write_all(lines.as_bytes()));
    let output = child.wait_with_output()?;
    writer.join().map_err(|_| "the writer failed")??;
    let lines = output.stdout.split(|&b| b == b'\n').filter(|line| !line.is_empty());
    Ok(lines.map(serde_json::from_slice).collect::<Result<_, _>>()?)
}

fn difference(text: &str, answer: &Json) -> Option<String> {
    match (read(text), answer["json"].as_str()) {
        (Ok(ours), Some(theirs)) => {
            let parsed = from_json(theirs.as_bytes()).ok()?;
            let theirs = plain(&parsed);
            if format!("{ours:?}") != format!("{theirs:?}") {
                return Some(format!("read {ours:?}"));
            }
            let written = emit(&ours);
            // Numbers that only fit uint64 did not pass through float64 there, as they do for kubectl.
            let comparable = format!("{parsed:?}") == format!("{theirs:?}");
            let same = answer["yaml"].as_str() == Some(&written);
            (comparable && !same).then(|| format!("wrote {written:?} for {}", answer["yaml"]))
        }
        (Err(_), None) => None,
        (Ok(ours), None) => Some(format!("accepted {ours:?}")),
        (Err(error), Some(_)) => Some(format!("refused: {error}")),
    }
}

fn read(text: &str) -> Result<Value, lockstep_goyaml::Error> {
    let limits = Limits::default();
    let source = Arc::new(Source::read(text.as_bytes(), &limits)?);
    let mut whole = source.documents()[0];
    whole.end = u32::try_from(source.text().len()).unwrap_or(u32::MAX);
    match parse(&source, whole, &limits)?.document {
        Some(document) => Ok(decode(&document, &limits)?.value),
        None => Ok(Value::Null),
    }
}

/// By the int64-else-float64 rule.
fn plain(value: &Value) -> Value {
    match value {
        #[allow(clippy::cast_precision_loss)] // int64 else float64
        Value::Uint(number) => Value::Float(*number as f64),
        Value::Float(number) if *number == 0.0 => Value::Int(0), // Go reads "-0" as an integer
        Value::List(items) => Value::list(items.iter().map(plain).collect()),
        Value::Map(map) => Value::map(map.iter().map(|(key, value)| (key.clone(), plain(value))).collect()),
        other => other.clone(),
    }
}

/// xorshift64*: the same texts for the same seed.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let bits = self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33;
        usize::try_from(bits).unwrap_or(0) % limit.max(1)
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}

/// What makes YAML hard.
const PIECES: &[&str] = &[
    " ",
    "  ",
    "\n",
    "\n\n",
    "\n  ",
    "\n- ",
    "\t",
    ":",
    ": ",
    "- ",
    "? ",
    "?",
    "-",
    ",",
    "[",
    "]",
    "{",
    "}",
    "#",
    " #c\n",
    "&a ",
    "*a",
    "&b",
    "*b ",
    "!",
    "!!str ",
    "!!int ",
    "!!float ",
    "!!binary ",
    "!!null ",
    "!!bool ",
    "!!timestamp ",
    "!!merge ",
    "!x ",
    "!<tag:x> ",
    "|",
    "|\n",
    "|-\n",
    "|+\n",
    "|2\n",
    ">\n",
    ">-\n",
    ">+1\n",
    "'",
    "''",
    "\"",
    "\\",
    "\\n",
    "\\x41",
    "\\u00e9",
    "\\U0001F600",
    "\\\n",
    "%",
    "%YAML 1.1\n---\n",
    "%TAG ! tag:x,1:\n---\n",
    "@",
    "`",
    "<<: ",
    "<<: *a\n",
    "<<: [*a, *b]\n",
    "---\n",
    "--- ",
    "...\n",
    "\n---\n",
    "\r",
    "\r\n",
    "é",
    "😀",
    "\u{85}",
    "\u{2028}",
    "\u{A0}",
    "\u{FEFF}",
    "\u{1}",
    "yes",
    "no",
    "on",
    "y",
    "null",
    "~",
    "0x1F",
    "0755",
    "0b11",
    "1_000",
    "1e3",
    ".5",
    "1.",
    ".inf",
    "-.inf",
    ".nan",
    "1e400",
    "18446744073709551615",
    "9223372036854775808",
    "-9223372036854775809",
    "2020-01-01",
    "12:30",
    "aGVsbG8=",
    "a: 1\n",
    "a: &a {b: 1, c: [2]}\n",
    "- &b\n  x: 1\n",
    "k: *a\n",
    "=",
    "0",
    "1.5",
    "a",
    "b: ",
];

fn mutate(random: &mut Random, seeds: &[String]) -> String {
    let mut text: Vec<char> = random.pick(seeds).chars().take(400).collect();
    for _ in 0..=random.below(5) {
        let at = random.below(text.len() + 1);
        let until = (at + random.below(6)).min(text.len());
        match random.below(8) {
            0 => drop(text.drain(at..until)),
            1 => drop(text.splice(at..until, random.pick(PIECES).chars())),
            2 => drop(text.splice(at..at, random.pick(seeds).chars().take(200))),
            3 => {
                let copy = text[at..until].to_vec();
                let to = random.below(text.len() + 1);
                drop(text.splice(to..to, copy));
            }
            4 => {
                // One line more or less indented.
                let line = text[..at].iter().rposition(|c| *c == '\n').map_or(0, |before| before + 1);
                drop(text.splice(line..line, std::iter::repeat_n(' ', 1 + random.below(3))));
            }
            _ => drop(text.splice(at..at, random.pick(PIECES).chars())),
        }
    }
    text.into_iter().collect()
}
