//! Who a request is from.

use std::collections::BTreeMap;

use apistore::User;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use lockstep_core::Secret;
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, X509Certificate};

/// A user who is known by a token.
#[derive(Clone, Debug)]
pub struct TokenUser {
    /// The token.
    pub token: Secret<String>,
    /// The user.
    pub user: User,
}

/// The users that are known by a token; those with a certificate of the cluster's authority, or a token of its
/// ServiceAccounts, are known besides.
#[derive(Clone, Debug, Default)]
pub struct Authentication {
    /// By token.
    pub tokens: Vec<TokenUser>,
}

/// What a request says about who sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// This user.
    Known(User),
    /// Whoever this token belongs to, if it is one of a ServiceAccount.
    Token(Secret<String>),
}

/// What a user was known by, as an extra.
const CREDENTIAL: &str = "authentication.kubernetes.io/credential-id";

const ANONYMOUS: &str = "system:anonymous";
const UNAUTHENTICATED: &str = "system:unauthenticated";

/// The group of everyone whom the server knows.
const AUTHENTICATED: &str = "system:authenticated";

/// A line of a file of tokens is none.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("line {line} of the tokens is not token,user,uid[,\"group,group\"]")]
pub struct TokenFileError {
    /// Which, from 1.
    pub line: usize,
}

impl Authentication {
    /// Reads users as kube-apiserver's `--token-auth-file` has them: `token,user,uid` or `token,user,uid,"group,group"` a line.
    ///
    /// # Errors
    /// When a line has another form, or an empty token or user.
    pub fn from_csv(text: &str) -> Result<Self, TokenFileError> {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        let tokens = lines.map(|(index, line)| token_user(line).ok_or(TokenFileError { line: index + 1 }));
        Ok(Self { tokens: tokens.collect::<Result<_, _>>()? })
    }

    /// Who sends a request: by certificate first, then by token; without both, nobody in particular.
    pub(crate) fn claim(&self, certificate: Option<&User>, headers: &HeaderMap) -> Claim {
        if let Some(user) = certificate {
            return Claim::Known(user.clone());
        }
        // Other schemes say nothing here, as on a real server.
        let header = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let Some(token) = header.and_then(bearer) else { return Claim::Known(anonymous()) };
        match self.user(token) {
            Some(user) => Claim::Known(user),
            None => Claim::Token(Secret::new(token.to_owned())),
        }
    }

    /// The user of a token, if it is one of these.
    pub(crate) fn user(&self, token: &str) -> Option<User> {
        let known = self.tokens.iter().find(|known| same(known.token.expose(), token))?;
        Some(authenticated(known.user.clone()))
    }
}

fn token_user(line: &str) -> Option<TokenUser> {
    let mut fields = line.splitn(4, ',').map(str::trim);
    let (token, name, uid) = (fields.next()?, fields.next()?, fields.next()?);
    if token.is_empty() || name.is_empty() {
        return None;
    }
    let groups = fields.next().unwrap_or_default().trim_matches('"').split(',').map(str::trim);
    let groups: Vec<&str> = groups.filter(|group| !group.is_empty()).collect();
    let user = User { uid: uid.to_owned(), ..User::of(name, &groups) };
    Some(TokenUser { token: lockstep_core::Secret::new(token.to_owned()), user })
}

/// Compared whole, so that the time it takes tells nothing of where tokens differ.
fn same(known: &str, given: &str) -> bool {
    known.len() == given.len()
        && known.bytes().zip(given.bytes()).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0
}

fn bearer(value: &str) -> Option<&str> {
    let mut parts = value.trim().splitn(3, ' ');
    let (scheme, token) = (parts.next()?, parts.next()?);
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

/// The user of a request that says nothing.
fn anonymous() -> User {
    User::of(ANONYMOUS, &[UNAUTHENTICATED])
}

/// A known user is in the group of all known ones.
pub(crate) fn authenticated(mut user: User) -> User {
    if !user.groups.iter().any(|group| group == AUTHENTICATED) {
        user.groups.push(AUTHENTICATED.to_owned());
    }
    user
}

/// Whom a user is who is impersonated: accounts are in their groups too unless others are told.
pub(crate) fn acting(mut user: User) -> User {
    if let Some((namespace, _)) =
        user.name.strip_prefix("system:serviceaccount:").and_then(|name| name.split_once(':'))
        && user.groups.is_empty()
    {
        user.groups =
            vec!["system:serviceaccounts".to_owned(), format!("system:serviceaccounts:{namespace}")];
    }
    let outside = user.groups.iter().any(|group| group == UNAUTHENTICATED);
    match user.name.as_str() {
        ANONYMOUS if !outside => user.groups.push(UNAUTHENTICATED.to_owned()),
        ANONYMOUS => {}
        _ if outside => {}
        _ => return authenticated(user),
    }
    user
}

/// The user whom a client certificate names: the common name, in its organisations. The handshake has verified it.
pub(crate) fn of_certificate(der: &[u8]) -> Option<User> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let subject = certificate.subject();
    let name = subject.iter_common_name().next()?.as_str().ok()?.to_owned();
    let groups = subject.iter_organization().filter_map(|group| group.as_str().ok().map(str::to_owned));
    let digest: String = Sha256::digest(der).iter().map(|byte| format!("{byte:02x}")).collect();
    let extra = BTreeMap::from([(CREDENTIAL.to_owned(), vec![format!("X509SHA256={digest}")])]);
    Some(authenticated(User { name, groups: groups.collect(), extra, ..User::default() }))
}

/// Whom the user of a request wants to be; `None` where it says nothing of it.
pub(crate) fn impersonated(headers: &HeaderMap) -> Option<User> {
    let all = |name: &str| -> Vec<String> {
        headers.get_all(name).iter().filter_map(|value| value.to_str().ok().map(str::to_owned)).collect()
    };
    let first = |name: &str| all(name).into_iter().next().unwrap_or_default();
    let mut extra = BTreeMap::new();
    for name in headers.keys().filter_map(|name| name.as_str().strip_prefix("impersonate-extra-")) {
        extra.insert(percent_decoded(name), all(&format!("impersonate-extra-{name}")));
    }
    let (name, uid, groups) = (first("impersonate-user"), first("impersonate-uid"), all("impersonate-group"));
    let user = User { name, uid, groups, extra };
    (user != User::default()).then_some(user)
}

/// `%2f` in the name of an extra is a slash.
pub(crate) fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let digits = tail.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match digits.and_then(|two| u8::from_str_radix(two, 16).ok()).filter(|_| *first == b'%') {
            Some(byte) => (bytes.push(byte), rest = &tail[2..]),
            None => (bytes.push(*first), rest = tail),
        };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(entries: &[(&'static str, &str)]) -> HeaderMap {
        entries
            .iter()
            .map(|(name, value)| (http::HeaderName::from_static(name), value.parse().unwrap()))
            .collect()
    }

    #[test]
    fn users_are_known_by_certificate_or_token() {
        let admin = User::of("admin", &["system:masters"]);
        let token = TokenUser { token: lockstep_core::Secret::new("s3cret".into()), user: admin.clone() };
        let users = Authentication { tokens: vec![token] };
        let check = |header: Option<&str>, expected: Claim| {
            let headers = header.map_or_else(HeaderMap::new, |value| headers(&[("authorization", value)]));
            assert_eq!(users.claim(None, &headers), expected, "{header:?}");
        };
        check(None, Claim::Known(anonymous()));
        check(Some("Bearer s3cret"), Claim::Known(authenticated(admin.clone())));
        check(Some("bearer s3cret "), Claim::Known(authenticated(admin)));
        check(Some("Bearer s3crets"), Claim::Token(Secret::new("s3crets".into())));
        for nothing in ["Basic Og==", "Bearer ", "Bearer  s3cret", "s3cret"] {
            check(Some(nothing), Claim::Known(anonymous()));
        }
        let known = User::of("a", &[]);
        assert_eq!(
            users.claim(Some(&known), &headers(&[("authorization", "Bearer s3cret")])),
            Claim::Known(known)
        );
    }

    #[test]
    fn a_file_of_tokens_names_users_and_their_groups() {
        let read = Authentication::from_csv("t1,ann,1,\"a,b\"\n\nt2,bob,2\n").unwrap();
        let users: Vec<_> = read.tokens.iter().map(|known| (&*known.user.name, &known.user.groups)).collect();
        assert_eq!(users, [("ann", &vec!["a".to_owned(), "b".to_owned()]), ("bob", &Vec::new())]);
        assert_eq!(Authentication::from_csv("t,ann,1\nt2,bob").unwrap_err(), TokenFileError { line: 2 });
    }

    #[test]
    fn impersonation_has_groups_and_extras() {
        let user = impersonated(&headers(&[
            ("impersonate-user", "eve"),
            ("impersonate-group", "a"),
            ("impersonate-extra-example.org%2fscope", "b"),
        ]));
        let extra = BTreeMap::from([("example.org/scope".to_owned(), vec!["b".to_owned()])]);
        assert_eq!(user, Some(User { extra, ..User::of("eve", &["a"]) }));
        assert_eq!(impersonated(&HeaderMap::new()), None);
    }

    #[test]
    fn who_is_impersonated_is_in_groups() {
        let check = |name: &str, groups: &[&str], want: &[&str]| {
            assert_eq!(acting(User::of(name, groups)).groups, want, "{name} {groups:?}");
        };
        check("jane", &[], &["system:authenticated"]);
        check("jane", &["dev"], &["dev", "system:authenticated"]);
        check("jane", &["system:unauthenticated"], &["system:unauthenticated"]);
        check("system:anonymous", &[], &["system:unauthenticated"]);
        check(
            "system:serviceaccount:a:b",
            &[],
            &["system:serviceaccounts", "system:serviceaccounts:a", "system:authenticated"],
        );
        check("system:serviceaccount:a:b", &["x"], &["x", "system:authenticated"]);
    }
}
