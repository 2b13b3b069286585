//! Where a list in parts goes on.

use lockstep_core::{Value, from_json, to_json};

use crate::base64::{decode_url, encode_url};
use crate::failure::Failure;
use crate::options::ListOptions;

/// What a continue token holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    /// The version that the first part has shown; -1 for the current one, whatever it is.
    pub(crate) revision: i64,
    /// The key from which on: with a slash before it.
    pub(crate) start: String,
}

impl Token {
    pub(crate) fn encode(&self) -> String {
        let start = String::from_utf8(to_json(&Value::from(&*self.start))).unwrap_or_default();
        let json = format!(r#"{{"v":"meta.k8s.io/v1","rv":{},"start":{start}}}"#, self.revision);
        encode_url(json.as_bytes())
    }

    pub(crate) fn decode(text: &str) -> Result<Self, String> {
        const INVALID: &str = "continue key is not valid";
        let bytes =
            decode_url(text).map_err(|at| format!("{INVALID}: illegal base64 data at input byte {at}"))?;
        crate::json_text::check(&bytes).map_err(|error| format!("{INVALID}: {error}"))?;
        let value = from_json(&bytes).map_err(|error| format!("{INVALID}: {error}"))?;
        match value.str_at(&["v"]).unwrap_or_default() {
            "meta.k8s.io/v1" => {}
            other => {
                return Err(format!("{INVALID}: server does not recognize this encoded version {other}"));
            }
        }
        let revision = value.int_at(&["rv"]).unwrap_or(0);
        if revision == 0 {
            return Err(format!(
                "{INVALID}: incorrect encoded start resourceVersion (version meta.k8s.io/v1)"
            ));
        }
        let start = value.str_at(&["start"]).unwrap_or_default();
        if start.is_empty() {
            return Err(format!("{INVALID}: encoded start key empty (version meta.k8s.io/v1)"));
        }
        if start.split('/').any(|part| matches!(part, "." | "..")) || start.contains("//") {
            return Err(format!("{INVALID}: {start}"));
        }
        Ok(Self { revision, start: start.to_owned() })
    }
}

/// The part of a list that is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// The version that it shows, where that is not the current one.
    pub(crate) revision: u64,
    pub(crate) past: bool,
    /// The version that the list names.
    pub(crate) shown: u64,
    /// The key from which on, without the slash.
    pub(crate) start: Option<String>,
}

const EXPIRED: &str = "The resourceVersion for the provided list is too old.";
const INCONSISTENT: &str = "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.";

impl Page {
    pub(crate) fn now(current: u64) -> Self {
        Self { revision: current, past: false, shown: current, start: None }
    }

    /// The list as it was in a version.
    pub(crate) fn at(revision: u64, current: u64) -> Self {
        Self { revision, past: revision < current, shown: revision, start: None }
    }

    /// What follows the part before.
    pub(crate) fn after(token: &Token, current: u64) -> Self {
        let start = Some(token.start.trim_start_matches('/').to_owned());
        match u64::try_from(token.revision) {
            Ok(revision) => Self { start, ..Self::at(revision, current) },
            Err(_) => Self { start, ..Self::now(current) },
        }
    }

    /// The version in the token of the next part.
    pub(crate) fn shown_token(&self) -> i64 {
        i64::try_from(self.shown).unwrap_or(i64::MAX)
    }

    /// The version is no longer known.
    pub(crate) fn expired(&self, options: &ListOptions) -> Failure {
        match Token::decode(&options.continue_token) {
            Ok(token) => Failure::expired(INCONSISTENT).go_on(Token { revision: -1, ..token }.encode()),
            Err(_) => Failure::expired(EXPIRED),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded from a real server.
    #[test]
    fn tokens_are_those_of_the_server() {
        let token = Token { revision: 1183, start: "/a\0".into() };
        let text = "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MTE4Mywic3RhcnQiOiIvYVx1MDAwMCJ9";
        assert_eq!(token.encode(), text);
        assert_eq!(Token::decode(text).unwrap(), token);
        assert_eq!(
            Token::decode("abc").unwrap_err(),
            "continue key is not valid: invalid character 'i' looking for beginning of value"
        );
    }
}
