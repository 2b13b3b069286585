//! Where a repository is.

use std::path::PathBuf;

use lockstep_core::RepoUrl;

use crate::{Error, Result};

/// The two kinds of places that this binary can read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Location {
    /// The base address of a smart HTTP server, without trailing slash.
    Http(String),
    /// A repository on this machine.
    Path(PathBuf),
}

impl Location {
    pub(crate) fn parse(url: &RepoUrl) -> Result<Self> {
        let text = url.as_str();
        let Some((scheme, rest)) = text.split_once("://") else { return Self::parse_path(text) };
        match &*scheme.to_ascii_lowercase() {
            scheme @ ("http" | "https") => {
                let address = format!("{scheme}://{}", rest.trim_end_matches('/'));
                let uri: http::Uri =
                    address.parse().map_err(|_| Error::InvalidUrl("it is not a well-formed URL"))?;
                match uri.host() {
                    None | Some("") => Err(Error::InvalidUrl("it names no host")),
                    Some(_) if uri.query().is_some() => Err(Error::InvalidUrl("it must not have a query")),
                    Some(_) => Ok(Self::Http(address)),
                }
            }
            "file" => Self::parse_path(rest.strip_prefix("localhost").unwrap_or(rest)),
            "ssh" | "git+ssh" => Err(Error::InvalidUrl("ssh is not supported yet; use https")),
            "git" => {
                Err(Error::InvalidUrl("the git protocol is neither encrypted nor authenticated; use https"))
            }
            _ => Err(Error::InvalidUrl("only http, https and file are supported")),
        }
    }

    fn parse_path(text: &str) -> Result<Self> {
        if text.starts_with('/') {
            return Ok(Self::Path(PathBuf::from(text)));
        }
        let host = text.split('/').next().unwrap_or("");
        Err(match host.contains(':') {
            true => Error::InvalidUrl("ssh is not supported yet; use https"),
            false => Error::InvalidUrl("it is neither a URL nor an absolute path"),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_apart() {
        for (text, expected) in [
            ("https://h.example/a.git/", Some("http https://h.example/a.git")),
            ("HTTP://u:p@h:8080/a", Some("http http://h:8080/a")),
            ("file:///srv/a.git", Some("path /srv/a.git")),
            ("file://localhost/srv/a", Some("path /srv/a")),
            ("/srv/a", Some("path /srv/a")),
            ("ssh://git@h/a", None),
            ("git@h:a/b.git", None),
            ("git://h/a", None),
            ("ext::sh -c true", None),
            ("ftp://h/a", None),
            ("https:///a", None),
            ("https://h/a?x=1", None),
            ("relative/path", None),
            ("file://host/a", None),
            ("", None),
        ] {
            let found = Location::parse(&RepoUrl::new(text)).map(|location| match location {
                Location::Http(url) => format!("http {url}"),
                Location::Path(path) => format!("path {}", path.display()),
            });
            assert_eq!(found.ok().as_deref(), expected, "{text}");
        }
    }
}
