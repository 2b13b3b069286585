//! Answers without what differs from run to run: times, uids, versions, generated names, addresses, and the width of columns.

/// The lines of an answer.
pub(crate) fn neutral(text: &str, namespace: &str) -> Vec<String> {
    let text = text.replace(namespace, "NS");
    let lines = text.lines().filter(|line| !BESIDES.iter().any(|start| line.starts_with(start)));
    lines.map(line).collect()
}

/// What is said of versions, and of steps on the way that one run sees and another does not.
const BESIDES: [&str; 3] =
    ["WARNING: version difference", "Waiting for deployment ", "# Warning: kubectl version"];

fn line(text: &str) -> String {
    for file in ["--- /", "+++ /", "diff -"] {
        // The folders of kubectl diff, and when it wrote to them.
        if text.starts_with(file) {
            return format!("{} FILE", &file[..4]);
        }
    }
    if let Some((before, _)) = text.split_once("resourceVersion").filter(|(_, after)| after.len() < 16) {
        return format!("{before}resourceVersion: RV");
    }
    // The indentation tells something, the distance of columns nothing.
    let indented = text.len() - text.trim_start().len();
    let mut neutral = text[..indented].to_owned();
    let (mut word, mut blanks) = (String::new(), 0);
    for character in text.trim().chars() {
        if character == ' ' || character == '\t' {
            if blanks == 0 {
                neutral.push_str(&of_word(&std::mem::take(&mut word)));
            }
            blanks += 1;
            continue;
        }
        if blanks > 0 {
            neutral.push_str(if blanks > 1 { "  " } else { " " });
            blanks = 0;
        }
        word.push(character);
    }
    neutral.push_str(&of_word(&word));
    date(&neutral)
}

/// `Tue, 24 Nov 2026 11:14:26 +0000`
fn date(line: &str) -> String {
    let days = ["Mon, ", "Tue, ", "Wed, ", "Thu, ", "Fri, ", "Sat, ", "Sun, "];
    match days.iter().find_map(|day| line.find(day)) {
        Some(at) if line[at..].len() >= 31 => format!("{}TIME{}", &line[..at], &line[at + 31..]),
        _ => line.to_owned(),
    }
}

fn of_word(word: &str) -> String {
    if is_age(word) {
        return "AGE".to_owned();
    }
    if word.matches('.').count() == 2 && word.starts_with("eyJ") {
        return "TOKEN".to_owned();
    }
    // What is inside quotes, commas and slashes is looked at by itself.
    let (mut neutral, mut part) = (String::new(), String::new());
    for character in word.chars() {
        if character.is_ascii_alphanumeric() || matches!(character, '-' | '.' | ':') {
            part.push(character);
        } else {
            if character == '=' && part == "pod-template-hash" {
                return neutral + "pod-template-hash=HASH";
            }
            neutral.push_str(&of_part(&std::mem::take(&mut part)));
            neutral.push(character);
        }
    }
    neutral + &of_part(&part)
}

fn of_part(part: &str) -> String {
    let (part, end) = match part.strip_suffix([':', '.']) {
        Some(bare) => (bare, &part[bare.len()..]),
        None => (part, ""),
    };
    let bytes = part.as_bytes();
    let shape = |pattern: &[u8]| {
        bytes.len() == pattern.len()
            && bytes.iter().zip(pattern).all(|(byte, wanted)| match wanted {
                b'0' => byte.is_ascii_digit(),
                b'x' => byte.is_ascii_hexdigit(),
                other => byte == other,
            })
    };
    let neutral = if part.len() == 64 && part.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        "DIGEST".to_owned()
    } else if part == "lockstep-admin" {
        "admin".to_owned()
    } else if shape(b"0000-00-00T00:00:00Z") {
        "TIME".to_owned()
    } else if shape(b"xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx") {
        "UID".to_owned()
    } else if part.split('.').count() == 4 && part.split('.').all(|byte| byte.parse::<u8>().is_ok()) {
        "ADDRESS".to_owned()
    } else if ["fake-0", "fake-1", "fake-2", "lockstep-1", "lockstep-2", "lockstep-3"].contains(&part) {
        "NODE".to_owned()
    } else {
        generated(part)
    };
    neutral + end
}

/// What the API server and the controllers append to names.
fn generated(part: &str) -> String {
    let is_random = |text: &str| text.bytes().all(|byte| b"bcdfghjklmnpqrstvwxz2456789".contains(&byte));
    let Some((base, suffix)) = part.rsplit_once('-') else { return part.to_owned() };
    if !is_random(suffix) || !suffix.bytes().any(|byte| byte.is_ascii_digit()) && suffix.len() != 5 {
        return part.to_owned();
    }
    match suffix.len() {
        5 => format!("{}-SUFFIX", generated(base)),
        8..=10 => format!("{base}-HASH"),
        _ => part.to_owned(),
    }
}

/// `5s`, `3m20s`, `2d`, `<invalid>` for what a clock beside ours made
fn is_age(word: &str) -> bool {
    let mut digits = 0;
    let mut units = 0;
    for character in word.chars() {
        match character {
            '0'..='9' => digits += 1,
            's' | 'm' | 'h' | 'd' | 'y' if digits > 0 => (digits, units) = (0, units + 1),
            _ => return false,
        }
    }
    units > 0 && digits == 0
}

#[test]
fn what_differs_from_run_to_run_is_gone() {
    let check = |text: &str, expected: &str| assert_eq!(neutral(text, "ns-7"), [expected], "{text}");
    check("pod/web-74b9979c99-ffqvs   1/1    Running   3m2s", "pod/web-HASH-SUFFIX  1/1  Running  AGE");
    check("  uid: 5c583213-52f7-4fca-98b4-870c5f6e34a7", "  uid: UID");
    check("  time: \"2026-11-24T11:14:26Z\"", "  time: \"TIME\"");
    check("Start Time:  Tue, 24 Nov 2026 11:14:26 +0000", "Start Time:  TIME");
    check("ns-7/a fake-0/127.0.0.1 10.96.0.1:443", "NS/a NODE/ADDRESS 10.96.0.1:443");
    check("  resourceVersion: \"17\"", "  resourceVersion: RV");
    check("app=web,pod-template-hash=59df549fb9", "app=web,pod-template-hash=HASH");
    check("a well-known-thing in web-data", "a well-known-thing in web-data");
}
