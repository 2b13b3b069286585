//! Deciding crates give the same result for the same arguments: no clock, chance, network, disk, client.
use super::Finding;
use super::metadata::Metadata;
use super::sources::SourceFile;

/// The rooms that ARCHITECTURE.md marks with `*`.
const DECIDING: &[&str] = &[
    "core",
    "goyaml",
    "gostd",
    "manifest",
    "schema",
    "health",
    "diff",
    "kinds",
    "rules",
    "apistore",
    "workloads",
    "plan",
];

const FORBIDDEN_DEPENDENCIES: &[&str] = &[
    "async-std",
    "async-trait",
    "axum",
    "fastrand",
    "fs-err",
    "futures",
    "futures-util",
    "getrandom",
    "gix",
    "h2",
    "hyper",
    "hyper-util",
    "k8s-openapi",
    "kube",
    "notify",
    "rand",
    "reqwest",
    "rustls",
    "smol",
    "tempfile",
    "time",
    "tokio",
    "tokio-util",
    "tower",
    "tracing-subscriber",
    "uuid",
    "walkdir",
];

const FORBIDDEN_TEXT: &[&str] = &[
    ".await",
    "SystemTime",
    "Instant::now",
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "thread_local!",
    "Timestamp::now",
    "static mut ",
];

pub(super) fn check(sources: &[SourceFile], metadata: &Metadata) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (package, member) in metadata.members().filter(|(package, _)| DECIDING.contains(&package.room())) {
        for dependency in
            member.dependencies.iter().filter(|name| FORBIDDEN_DEPENDENCIES.contains(&name.as_str()))
        {
            let message =
                format!("{} is a deciding crate and may not depend on {dependency}", package.room());
            findings.push(Finding::new(&member.manifest, member.line_of(dependency), message));
        }
    }
    let decides = |file: &&SourceFile| {
        DECIDING.iter().any(|room| file.path.starts_with(&format!("crates/{room}/src/")))
    };
    findings.extend(sources.iter().filter(decides).flat_map(|file| impurities(&file.path, &file.text)));
    findings
}

/// The forbidden words of a file outside comments and its unit tests, which stand at its end.
fn impurities(path: &str, text: &str) -> Vec<Finding> {
    let product = text.lines().take_while(|line| line.trim() != "#[cfg(test)]");
    let mut findings = Vec::new();
    for (index, line) in product.enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for word in FORBIDDEN_TEXT.iter().filter(|word| says(code, word)) {
            findings.push(Finding::new(
                path,
                index + 1,
                format!("`{word}` has no place in a deciding crate"),
            ));
        }
    }
    findings
}

/// Whether a line has a word that does not begin inside another: `gostd::net` is no `std::net`.
fn says(code: &str, word: &str) -> bool {
    let begins = |at: usize| !code[..at].ends_with(|before: char| before.is_alphanumeric() || before == '_');
    let inside = word.starts_with(|first: char| first.is_alphanumeric());
    code.match_indices(word).any(|(at, _)| !inside || begins(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::metadata::{Member, Package};

    #[test]
    fn impure_words_count_outside_comments_and_tests() {
        let check = |text: &str, lines: &[usize]| {
            let found: Vec<usize> = impurities("f", text).iter().map(|finding| finding.line).collect();
            assert_eq!(found, lines, "{text}");
        };
        check("let x = y.await;", &[1]);
        check("// nothing may .await\nuse std::fs;\n", &[2]);
        check("fn f() {}\n#[cfg(test)]\nmod tests { use std::fs; }\n", &[]);
        check("fn now() -> Time;", &[]);
        check("use gostd::netip::masked;\nuse std::net::IpAddr;", &[2]);
    }

    #[test]
    fn a_client_in_a_deciding_crate_is_a_finding_and_elsewhere_is_not() {
        let package = |name: &str| Package {
            name: name.into(),
            member: Some(Member { dependencies: vec!["kube".into()], ..Member::default() }),
            ..Package::default()
        };
        let metadata = Metadata { packages: vec![package("lockstep-plan"), package("lockstep-cluster")] };
        let found = check(&[], &metadata);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].to_string().contains("plan is a deciding crate"), "{found:?}");
    }
}
