//! A conversation with one repository's server, kept between fetches.

use std::collections::BTreeSet;
use std::io::Read;

use bytes::Bytes;
use gix::ObjectId;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName, LOCATION, USER_AGENT};
use http::{Method, Request, Response, Uri};
use http_body_util::Full;

use crate::bands::{self, PackReader, Shallows};
use crate::body::Body;
use crate::http::{Call, check_status};
use crate::protocol::{self, Ask, Depth, Server};
use crate::refs::Refs;
use crate::{Error, Result, auth};

/// Servers look for "git/" to tell git from browsers.
const AGENT: &str = concat!("git/lockstep-", env!("CARGO_PKG_VERSION"));
const GREETING: &str = "/info/refs?service=git-upload-pack";
const REDIRECTS: usize = 5;

/// What is known of the server, so that a fetch can start with its first question.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    /// The repository's address after redirects.
    base: String,
    /// Whether that is the host that the credentials are for.
    is_trusted: bool,
    server: Server,
}

impl Session {
    /// Greets the server at a repository's address.
    pub(crate) fn open(url: &str, call: Call<'_>) -> Result<Self> {
        let mut address = format!("{url}{GREETING}");
        for _ in 0..=REDIRECTS {
            let is_trusted = origin(&address) == origin(url);
            let request = request(&address, is_trusted, call)?.method(Method::GET);
            let request = request.body(Full::default()).map_err(|_| Error::malformed_url())?;
            let response = call.send(request)?;
            if response.status().is_redirection() {
                address = redirect(&address, &response)?;
                response.into_body().finish();
                continue;
            }
            check_status(response.status())?;
            check_type(&response, "application/x-git-upload-pack-advertisement")?;
            let mut body = response.into_body();
            let failure = body.failure.clone();
            let server = Server::read_greeting(&mut body, &failure)?;
            body.finish();
            let base = address.strip_suffix(GREETING).ok_or(Error::Unsupported("it redirects elsewhere"))?;
            return Ok(Self { base: base.to_owned(), is_trusted, server });
        }
        Err(Error::Protocol("too many redirects".to_owned()))
    }

    /// Whether the references that came with the greeting are all there is.
    pub(crate) fn is_old(&self) -> bool {
        matches!(self.server, Server::V0(..))
    }

    /// Whether commits can be had without their content.
    pub(crate) fn has_bare_commits(&self) -> bool {
        self.server.can_cut(Depth::Commits)
    }

    /// The references with these prefixes, at least.
    pub(crate) fn refs(&self, prefixes: &BTreeSet<String>, call: Call<'_>) -> Result<Refs> {
        if let Server::V0(_, refs) = &self.server {
            return Ok(refs.clone());
        }
        if prefixes.is_empty() {
            return Ok(Refs::default());
        }
        let mut body = self.post(self.server.refs_request(prefixes), call)?;
        let failure = body.failure.clone();
        let refs = protocol::read_refs(&mut body, &failure)?;
        body.finish();
        Ok(refs)
    }

    /// Fetches a pack and hands it to `sink`.
    pub(crate) fn pack<T>(
        &self,
        ask: &Ask,
        shallow: &BTreeSet<ObjectId>,
        call: Call<'_>,
        sink: impl FnOnce(&Shallows, &mut PackReader<'_>) -> Result<T>,
    ) -> Result<(Shallows, T)> {
        let mut body = self.post(self.server.pack_request(ask, shallow), call)?;
        let failure = body.failure.clone();
        let reader: &mut dyn Read = &mut body;
        let (shallows, mut pack) = bands::read_pack(reader, &failure)?;
        let taken = sink(&shallows, &mut pack).map_err(|error| failure.explain(|| error))?;
        body.finish();
        Ok((shallows, taken))
    }

    fn post<'a>(&self, content: Vec<u8>, call: Call<'a>) -> Result<Body<'a>> {
        let address = format!("{}/git-upload-pack", self.base);
        let request = request(&address, self.is_trusted, call)?
            .method(Method::POST)
            .header(CONTENT_TYPE, "application/x-git-upload-pack-request")
            .header(ACCEPT, "application/x-git-upload-pack-result");
        let response =
            call.send(request.body(Full::new(Bytes::from(content))).map_err(|_| Error::malformed_url())?)?;
        check_status(response.status())?;
        check_type(&response, "application/x-git-upload-pack-result")?;
        Ok(response.into_body())
    }
}

fn request(address: &str, is_trusted: bool, call: Call<'_>) -> Result<http::request::Builder> {
    let mut request = Request::builder()
        .uri(address)
        .header(USER_AGENT, AGENT)
        .header(HeaderName::from_static("git-protocol"), "version=2");
    if let Some(value) = auth::authorization(call.access)?.filter(|_| is_trusted) {
        request = request.header(AUTHORIZATION, value);
    }
    Ok(request)
}

/// Scheme, host and port: what credentials are for.
fn origin(address: &str) -> Option<(String, String, u16)> {
    let uri: Uri = address.parse().ok()?;
    let scheme = uri.scheme_str()?.to_owned();
    let port = uri.port_u16().unwrap_or(if scheme == "https" { 443 } else { 80 });
    Some((scheme, uri.host()?.to_ascii_lowercase(), port))
}

/// The address that a redirect names: the same service elsewhere, never from https down to http.
fn redirect(from: &str, response: &Response<Body<'_>>) -> Result<String> {
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let target = location.and_then(|to| absolute(from, to)).filter(|to| to.ends_with(GREETING));
    let target = target.ok_or(Error::Unsupported("it redirects to something that is no git repository"))?;
    match (from.starts_with("https://"), target.starts_with("https://")) {
        (true, false) => Err(Error::Unsupported("it redirects from https to http")),
        _ => Ok(target),
    }
}

fn absolute(from: &str, to: &str) -> Option<String> {
    if to.starts_with("http://") || to.starts_with("https://") {
        // User info in a redirect would be someone else's credentials.
        return (!to.parse::<Uri>().ok()?.authority()?.as_str().contains('@')).then(|| to.to_owned());
    }
    let uri: Uri = from.parse().ok()?;
    let path = to.strip_prefix('/').filter(|rest| !rest.starts_with('/'))?;
    Some(format!("{}://{}/{path}", uri.scheme_str()?, uri.authority()?))
}

fn check_type(response: &Response<Body<'_>>, expected: &str) -> Result<()> {
    let value = response.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    if value.split(';').next().map(str::trim) == Some(expected) {
        return Ok(());
    }
    Err(match value.starts_with("text/plain") {
        true => Error::Unsupported("it speaks only the dumb HTTP protocol"),
        false => Error::not_git(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_are_for_one_origin() {
        let own = origin("https://git.example.com/a/b");
        assert_eq!(own, origin("https://GIT.example.com:443/c"));
        for other in
            ["http://git.example.com/", "https://git.example.com:8443/", "https://example.com/", "nonsense"]
        {
            assert_ne!(own, origin(other), "{other}");
        }
    }

    #[test]
    fn redirects_become_absolute() {
        let from = "https://h:8443/a/info/refs?x";
        assert_eq!(absolute(from, "/b").as_deref(), Some("https://h:8443/b"));
        assert_eq!(absolute(from, "http://o/b").as_deref(), Some("http://o/b"));
        for refused in ["//evil/x", "https://u:p@h/x", "file:///etc/passwd", "b", ""] {
            assert_eq!(absolute(from, refused), None, "{refused}");
        }
    }
}
