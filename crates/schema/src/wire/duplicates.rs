//! Keys that a JSON text has twice, and where those are that nobody knows.

use std::collections::BTreeSet;

use lockstep_core::from_json;

/// What strict decoding refuses at a place, which is written as it names it: `spec.containers[0].name`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Strict {
    /// The key is there more than once.
    Duplicate(String),
    /// The type of the object has no such field.
    Unknown(String),
}

/// The places of keys that an object in a JSON text has more than once, in the order of the text and each once; 100 at most. A
/// parsed value keeps the last of them, as the server does.
///
/// The text must be valid JSON: of another, what was found up to the fault is returned. The server tells nothing from inside
/// values that it keeps as they are (`RawExtension`).
pub fn duplicates(json: &[u8]) -> Vec<String> {
    let found = strict_mistakes(json, &[]).into_iter();
    found.map(|(Strict::Duplicate(place) | Strict::Unknown(place))| place).collect()
}

/// The same with the `unknown` fields, in the one order of the text: nothing is told from inside an unknown field, nor how often
/// it is there.
pub fn strict_mistakes(json: &[u8], unknown: &[String]) -> Vec<Strict> {
    let unknown = unknown.iter().map(String::as_str).collect();
    let mut scan =
        Scan { json, at: 0, path: String::new(), unknown, within_unknown: false, found: Vec::new() };
    // Where the text ends early, there is nothing more to find.
    let _ = scan.value();
    scan.found
}

const MOST: usize = 100;

struct Scan<'t> {
    json: &'t [u8],
    at: usize,
    path: String,
    unknown: BTreeSet<&'t str>,
    within_unknown: bool,
    found: Vec<Strict>,
}

impl Scan<'_> {
    fn next(&mut self) -> Option<u8> {
        while self.json.get(self.at)?.is_ascii_whitespace() {
            self.at += 1;
        }
        self.json.get(self.at).copied()
    }

    fn value(&mut self) -> Option<()> {
        match self.next()? {
            b'{' => self.object(),
            b'[' => self.array(),
            b'"' => self.string().map(drop),
            _ => {
                while self
                    .json
                    .get(self.at)
                    .is_some_and(|byte| !b",]}".contains(byte) && !byte.is_ascii_whitespace())
                {
                    self.at += 1;
                }
                Some(())
            }
        }
    }

    fn array(&mut self) -> Option<()> {
        self.at += 1;
        for index in 0_usize.. {
            if self.next()? == b']' {
                break;
            }
            self.within(&format!("[{index}]"), Self::value)?;
            if self.next()? == b',' {
                self.at += 1;
            }
        }
        self.at += 1;
        Some(())
    }

    fn object(&mut self) -> Option<()> {
        self.at += 1;
        let mut seen = BTreeSet::new();
        while self.next()? != b'}' {
            let name = self.string()?;
            let step = if self.path.is_empty() { name.clone() } else { format!(".{name}") };
            let twice = !seen.insert(name);
            let outer = self.within_unknown;
            if !outer && (twice || !self.unknown.is_empty()) {
                self.note(format!("{}{step}", self.path), twice);
            }
            if self.next()? != b':' {
                return None;
            }
            self.at += 1;
            self.within(&step, Self::value)?;
            self.within_unknown = outer;
            if self.next()? == b',' {
                self.at += 1;
            }
        }
        self.at += 1;
        Some(())
    }

    fn note(&mut self, place: String, twice: bool) {
        self.within_unknown = self.unknown.contains(&*place);
        let mistake = match (self.within_unknown, twice) {
            (true, _) => Strict::Unknown(place),
            (false, true) => Strict::Duplicate(place),
            (false, false) => return,
        };
        if self.found.len() < MOST && !self.found.contains(&mistake) {
            self.found.push(mistake);
        }
    }

    fn within(&mut self, step: &str, visit: impl FnOnce(&mut Self) -> Option<()>) -> Option<()> {
        let before = self.path.len();
        self.path.push_str(step);
        visit(self)?;
        self.path.truncate(before);
        Some(())
    }

    fn string(&mut self) -> Option<String> {
        let start = self.at;
        (self.next()? == b'"').then_some(())?;
        self.at += 1;
        loop {
            match self.json.get(self.at)? {
                b'\\' => self.at += 2,
                b'"' => break,
                _ => self.at += 1,
            }
        }
        self.at += 1;
        let text = self.json.get(start..self.at)?;
        match text.contains(&b'\\') {
            true => Some(from_json(text).ok()?.as_str()?.to_owned()),
            false => Some(std::str::from_utf8(text.get(1..text.len() - 1)?).ok()?.to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_are_there_twice_are_found() {
        let check = |json: &str, want: &[&str]| assert_eq!(duplicates(json.as_bytes()), want, "{json}");
        check("{}", &[]);
        check(r#"{"a":1,"b":{"a":1}}"#, &[]);
        check(r#"{"a":1,"a":2,"a":3}"#, &["a"]);
        check(
            r#"{"spec": {"c" : [ {"n":"x"} , {"n":"}","n":"\""} ], "r":1, "r":2}}"#,
            &["spec.c[1].n", "spec.r"],
        );
        check(r#"{"a\"":1,"a\u0022":{"b":null,"b":true}}"#, &["a\"", "a\".b"]);
        check(r#"[{"a":1,"a":2},[]]"#, &["[0].a"]);
        check(r#"{"a":1,"a":"#, &["a"]);
        check("", &[]);
    }

    #[test]
    fn unknown_fields_are_told_in_the_order_of_the_text() {
        let json = br#"{"z":1,"z":2,"a":{"x":1,"x":2},"s":{"r":1,"f":[{"x":1,"x":2}],"r":2},"b":1}"#;
        let unknown = ["a", "b", "s.f", "z"].map(str::to_owned);
        let found = strict_mistakes(json, &unknown);
        let place = |text: &str| text.to_owned();
        let want = [
            Strict::Unknown(place("z")),
            Strict::Unknown(place("a")),
            Strict::Unknown(place("s.f")),
            Strict::Duplicate(place("s.r")),
            Strict::Unknown(place("b")),
        ];
        assert_eq!(found, want);
    }
}
