//! Connections that wait for their next request.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use http::Uri;
use lockstep_core::Secret;
use parking_lot::Mutex;

use crate::line::Line;
use crate::{Access, Error, Result};

/// How long an idle connection is kept: longer than the usual time between two polls.
const IDLE: Duration = Duration::from_secs(90);
/// Connections kept, to all servers.
const KEPT: usize = 256;

/// What makes one connection as good as another, but for the server.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Way {
    pub(crate) is_tls: bool,
    pub(crate) ca_pem: Option<String>,
    pub(crate) proxy: Option<Secret<String>>,
}

/// A server and the way to it.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Route {
    pub(crate) way: Way,
    /// Host and port as the `Host` header has them.
    pub(crate) host: String,
}

impl Route {
    pub(crate) fn of(uri: &Uri, access: &Access) -> Result<Self> {
        let host = uri.host().ok_or(Error::InvalidUrl("it names no host"))?.to_ascii_lowercase();
        let is_tls = uri.scheme_str() == Some("https");
        let host = match uri.port_u16().filter(|port| *port != if is_tls { 443 } else { 80 }) {
            Some(port) => format!("{host}:{port}"),
            None => host,
        };
        let way = Way { is_tls, ca_pem: access.ca_pem.clone(), proxy: access.proxy.clone() };
        Ok(Self { way, host })
    }
}

/// The idle connections of all mirrors, the last used one of a route at the end.
#[derive(Default)]
pub(crate) struct Pool(Mutex<BTreeMap<Route, Vec<(Instant, Line)>>>);

impl Pool {
    /// Takes the connection that was used last, since it is the likeliest to be open.
    pub(crate) fn take(&self, route: &Route) -> Option<Line> {
        let (since, line) = self.0.lock().get_mut(route)?.pop()?;
        (since.elapsed() < IDLE).then_some(line)
    }

    /// Keeps a connection, and closes those that nobody needed.
    pub(crate) fn put(&self, route: Route, line: Line) {
        let mut routes = self.0.lock();
        routes.retain(|_, lines| {
            lines.retain(|(since, _)| since.elapsed() < IDLE);
            !lines.is_empty()
        });
        if routes.values().map(Vec::len).sum::<usize>() < KEPT {
            routes.entry(route).or_default().push((Instant::now(), line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_is_a_server_and_a_way_to_it() {
        let route = |text: &str| Route::of(&text.parse().unwrap(), &Access::anonymous()).unwrap();
        for (text, host) in [
            ("https://h/a", "h"),
            ("https://H:443/a", "h"),
            ("https://h:80/a", "h:80"),
            ("http://h:80/a", "h"),
            ("http://h:8080/a", "h:8080"),
            ("http://[::1]:8080/a", "[::1]:8080"),
        ] {
            assert_eq!(route(text).host, host, "{text}");
        }
        assert!(route("https://h/a") == route("https://h:443/b"));
        assert!(route("https://h/a") != route("http://h:443/a"));
        let access = Access { ca_pem: Some("x".to_owned()), ..Access::basic("me", "secret") };
        assert!(Route::of(&"https://h/a".parse().unwrap(), &access).unwrap() != route("https://h/a"));
        let access = Access { ca_pem: None, ..access };
        assert!(Route::of(&"https://h/a".parse().unwrap(), &access).unwrap() == route("https://h/a"));
    }
}
