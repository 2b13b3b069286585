//! How to be let in.

use lockstep_core::Secret;

/// Credentials and the way to a repository's server. The default is none: anonymous, straight, the system's authorities.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Access {
    /// A user name and password, sent as HTTP basic authentication with every request to the repository's own host.
    pub basic: Option<(String, Secret<String>)>,
    /// A token, sent likewise as a bearer token. Takes precedence over `basic`.
    pub bearer: Option<Secret<String>>,
    /// Certificate authorities in PEM form that are trusted in place of the system's.
    pub ca_pem: Option<String>,
    /// The address of an HTTP proxy, `http://[user:password@]host:port`. Secret because of its user info.
    pub proxy: Option<Secret<String>>,
}

impl Access {
    /// No credentials.
    pub fn anonymous() -> Self {
        Self::default()
    }

    /// A user name and a password.
    pub fn basic(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self { basic: Some((user.into(), Secret::new(password.into()))), ..Self::default() }
    }

    /// A bearer token.
    pub fn bearer(token: impl Into<String>) -> Self {
        Self { bearer: Some(Secret::new(token.into())), ..Self::default() }
    }
}
