//! Each text of `tests/scenarios` says what happens.

use std::path::{Path, PathBuf};
use std::{env, fs};

/// `UPDATE=1` writes what happens now into the texts.
#[allow(clippy::disallowed_methods, reason = "a switch of this test")]
fn updates() -> bool {
    env::var_os("UPDATE").is_some()
}

fn texts() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/scenarios");
    let mut texts: Vec<PathBuf> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    texts.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    texts.sort();
    texts
}

#[test]
fn scenarios_happen_as_they_are_told() {
    let texts = texts();
    let next = std::sync::atomic::AtomicUsize::new(0);
    let failures = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some(path) = texts.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                    let failure = check(path);
                    failures.lock().unwrap().extend(failure);
                }
            });
        }
    });
    let failures = failures.into_inner().unwrap();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

fn check(path: &Path) -> Option<String> {
    let text = fs::read_to_string(path).unwrap();
    let now = match scenarios::play(&text) {
        Ok(now) => now,
        Err(error) => return Some(format!("{}: {error:#}", path.display())),
    };
    if now == text {
        return None;
    }
    if updates() {
        fs::write(path, now).unwrap();
        return None;
    }
    let differs = text.lines().zip(now.lines()).position(|(old, new)| old != new).unwrap_or(0);
    let lines: Vec<&str> = now.lines().skip(differs).take(5).collect();
    Some(format!("{}:{}: now it happens otherwise:\n{}", path.display(), differs + 1, lines.join("\n")))
}
