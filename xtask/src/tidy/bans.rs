//! Licences, and packages or features that must not enter the graph.
use super::Finding;
use super::metadata::{Metadata, Package};

const LOCK: &str = "Cargo.lock";

/// Licences that ask for no more than to be named.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Packages whose manifest names a file instead of a licence, and what the file says.
const READ_BY_HAND: &[(&str, &str, &str)] =
    &[("libyaml-safer", "MIT", "`license-file` is the MIT text of libyaml and of its two translators")];

const BANNED_PACKAGES: &[(&str, &str)] = &[
    ("aws-lc-rs", "ring is the one TLS provider: two in one binary make rustls panic"),
    ("aws-lc-sys", "ring is the one TLS provider"),
    ("openssl", "rustls is the one TLS library"),
    ("openssl-sys", "rustls is the one TLS library"),
    ("schemars", "schemas are written in the api crate, and it is slow to build"),
    ("wasmtime", "heavy: it belongs in a leaf crate of its own, when there is one"),
];

const BANNED_FEATURES: &[(&str, &str, &str)] = &[
    ("serde_json", "preserve_order", "it changes the order of every map in the workspace"),
    ("serde_json", "arbitrary_precision", "it changes every number in the workspace"),
];

pub(super) fn check(metadata: &Metadata) -> Vec<Finding> {
    metadata.packages.iter().flat_map(judge).map(|message| Finding::new(LOCK, 0, message)).collect()
}

fn judge(package: &Package) -> Vec<String> {
    let name = package.name.as_str();
    let mut messages = Vec::new();
    if !permitted(licence_of(package)) {
        messages
            .push(format!("{name} {}: licence `{}` is not on the list", package.version, package.licence));
    }
    let banned = BANNED_PACKAGES.iter().filter(|(banned, _)| *banned == name);
    messages.extend(banned.map(|(_, reason)| format!("{name} is banned: {reason}")));
    let features = BANNED_FEATURES
        .iter()
        .filter(|(of, feature, _)| *of == name && package.features.iter().any(|on| on == feature));
    messages
        .extend(features.map(|(_, feature, reason)| format!("feature {name}/{feature} is banned: {reason}")));
    messages
}

fn licence_of(package: &Package) -> &str {
    let by_hand = READ_BY_HAND.iter().find(|(name, ..)| package.licence.is_empty() && *name == package.name);
    by_hand.map_or(&package.licence, |(_, licence, _)| licence)
}

/// Whether an SPDX expression can be met with allowed licences alone. The old `/` reads as OR.
fn permitted(expression: &str) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let tokens: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = tokens.as_slice();
    any_of(&mut rest) && rest.is_empty()
}

fn any_of(tokens: &mut &[&str]) -> bool {
    let mut met = all_of(tokens);
    while let Some((&"OR", rest)) = tokens.split_first() {
        *tokens = rest;
        met |= all_of(tokens);
    }
    met
}

fn all_of(tokens: &mut &[&str]) -> bool {
    let mut met = term(tokens);
    while let Some((&"AND", rest)) = tokens.split_first() {
        *tokens = rest;
        met &= term(tokens);
    }
    met
}

fn term(tokens: &mut &[&str]) -> bool {
    let current = *tokens;
    match current {
        ["(", rest @ ..] => {
            *tokens = rest;
            let met = any_of(tokens);
            let closed = tokens.split_first();
            *tokens = closed.map_or(&[], |(_, rest)| rest);
            met && closed.is_some_and(|(token, _)| *token == ")")
        }
        [licence, "WITH", exception, rest @ ..] => {
            *tokens = rest;
            ALLOWED.contains(&format!("{licence} WITH {exception}").as_str())
        }
        [licence, rest @ ..] => {
            *tokens = rest;
            ALLOWED.contains(licence)
        }
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_met_or_not() {
        let check = |expression: &str, want: bool| assert_eq!(permitted(expression), want, "{expression}");
        check("MIT", true);
        check("MIT/Apache-2.0", true);
        check("GPL-3.0 OR MIT", true);
        check("GPL-3.0 AND MIT", false);
        check("(MIT OR GPL-3.0) AND Unicode-3.0", true);
        check("(MIT AND GPL-3.0) OR Zlib", true);
        check("Apache-2.0 WITH LLVM-exception OR GPL-2.0", true);
        check("GPL-2.0 WITH Classpath-exception-2.0", false);
        check("", false);
        check("(MIT", false);
    }

    #[test]
    fn packages_and_features_are_judged() {
        let package = |name: &str, licence: &str, feature: &str| Package {
            name: name.into(),
            licence: licence.into(),
            features: vec![feature.into()],
            ..Package::default()
        };
        let check = |package: Package, count: usize| assert_eq!(judge(&package).len(), count, "{package:?}");
        check(package("serde_json", "MIT", "std"), 0);
        check(package("serde_json", "MIT", "preserve_order"), 1);
        check(package("openssl", "Apache-2.0", ""), 1);
        check(package("libyaml-safer", "", ""), 0);
        check(package("unknown", "", ""), 1);
    }
}
