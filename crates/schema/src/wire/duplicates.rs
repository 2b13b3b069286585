//! Keys that a JSON text has twice.

use std::collections::BTreeSet;

use lockstep_core::from_json;

/// The places of keys that an object in a JSON text has more than once, as strict decoding names them (`spec.containers[0].name`),
/// in the order of the text and each once; 100 at most. A parsed value keeps the last of them, as the server does.
///
/// The text must be valid JSON: of another, what was found up to the fault is returned. The server tells nothing from inside a
/// field that it does not know, nor from inside values that it keeps as they are (`RawExtension`).
pub fn duplicates(json: &[u8]) -> Vec<String> {
    let mut scan = Scan { json, at: 0, path: String::new(), found: Vec::new() };
    // Where the text ends early, there is nothing more to find.
    let _ = scan.value();
    scan.found
}

const MOST: usize = 100;

struct Scan<'t> {
    json: &'t [u8],
    at: usize,
    path: String,
    found: Vec<String>,
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
            if !seen.insert(name) {
                let place = format!("{}{step}", self.path);
                if self.found.len() < MOST && !self.found.contains(&place) {
                    self.found.push(place);
                }
            }
            if self.next()? != b':' {
                return None;
            }
            self.at += 1;
            self.within(&step, Self::value)?;
            if self.next()? == b',' {
                self.at += 1;
            }
        }
        self.at += 1;
        Some(())
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
}
