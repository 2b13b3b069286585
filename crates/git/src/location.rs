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
                let uri: http::Uri = address.parse().map_err(|_| Error::malformed_url())?;
                match uri.host() {
                    None | Some("") => Err(Error::InvalidUrl("it names no host")),
                    Some(_) if uri.query().is_some() => Err(Error::InvalidUrl("it must not have a query")),
                    Some(_) => Ok(Self::Http(address)),
                }
            }
            "file" => match rest.split_at_checked("localhost".len()) {
                Some((host, path)) if host.eq_ignore_ascii_case("localhost") => Self::parse_path(path),
                _ => Self::parse_path(rest),
            },
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
            ("file://LocalHost/srv/a", Some("path /srv/a")),
            ("file://localhosts/a", None),
            ("http://[::1]:8080/a@b", Some("http http://[::1]:8080/a@b")),
            ("http://[::1]/a", Some("http http://[::1]/a")),
            ("https://h:8443/a@b", Some("http https://h:8443/a@b")),
            ("https://h/a:b@c", Some("http https://h/a:b@c")),
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

    #[test]
    fn a_slash_in_a_password_leaves_none_of_it() {
        for text in ["https://u:pa/ss@h/a", "https://:pa/ss@h/a", "https://u:pa%2Fss@h/a"] {
            let location = Location::parse(&RepoUrl::new(text)).unwrap();
            assert!(matches!(&location, Location::Http(url) if url == "https://h/a"), "{text}");
        }
    }
}
