//! URLs with a scheme and a host, or paths from the root, as Go's `url.ParseRequestURI` reads them.

use crate::val::Val;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Url {
    text: String,
    pub(crate) scheme: String,
    /// With the port.
    pub(crate) host: String,
    path: String,
    query: String,
}

impl Url {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let fail = |why: &str| Err(format!("parse \"{text}\": {why}"));
        if text.chars().any(char::is_control) {
            return fail("net/url: invalid control character in URL");
        }
        let (before, query) = text.split_once('?').unwrap_or((text, ""));
        if before.starts_with('/') {
            return Ok(Self::new(text, ("", "", before), query));
        }
        let Some((scheme, rest)) = before.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) else {
            return fail("invalid URI for request");
        };
        let Some(rest) = rest.strip_prefix("//") else { return fail("invalid URI for request") };
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        if let Some(bad) = host.chars().find(|char| " <>\"".contains(*char)) {
            return fail(&format!("invalid character {:?} in host name", bad.to_string()));
        }
        Ok(Self::new(text, (&scheme.to_lowercase(), host, path), query))
    }

    fn new(text: &str, (scheme, host, path): (&str, &str, &str), query: &str) -> Self {
        Self {
            text: text.into(),
            scheme: scheme.into(),
            host: host.into(),
            path: path.into(),
            query: query.into(),
        }
    }

    pub(crate) fn hostname(&self) -> &str {
        match self.host.strip_prefix('[') {
            Some(inner) => inner.split(']').next().unwrap_or_default(),
            None => self.host.split(':').next().unwrap_or_default(),
        }
    }

    pub(crate) fn port(&self) -> &str {
        let behind = self.host.rsplit_once(']').map_or(&*self.host, |(_, behind)| behind);
        behind.rsplit_once(':').map_or("", |(_, port)| port)
    }

    pub(crate) fn escaped_path(&self) -> String {
        let keep = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~$&+,/:;=@%!*'()".contains(&byte);
        let one = |byte: u8| if keep(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
        self.path.bytes().map(one).collect()
    }

    /// The values of every name.
    pub(crate) fn query(&self) -> Val {
        let mut entries: Vec<(String, Vec<Val>)> = Vec::new();
        for pair in self.query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let (name, value) = (decoded(name), Val::text(decoded(value)));
            match entries.iter_mut().find(|(known, _)| *known == name) {
                Some((_, values)) => values.push(value),
                None => entries.push((name, vec![value])),
            }
        }
        Val::Map(
            entries
                .into_iter()
                .map(|(name, values)| (Val::text(name), Val::list(values)))
                .collect::<Vec<_>>()
                .into(),
        )
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|char: char| char.is_ascii_alphabetic())
        && text.chars().all(|char| char.is_ascii_alphanumeric() || "+-.".contains(char))
}

fn decoded(text: &str) -> String {
    let bytes = text.replace('+', " ").into_bytes();
    let (mut out, mut at) = (Vec::new(), 0);
    while at < bytes.len() {
        let code = bytes
            .get(at + 1..at + 3)
            .and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match code.filter(|_| bytes[at] == b'%') {
            Some(code) => {
                out.push(code);
                at += 3;
            }
            None => {
                out.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}
