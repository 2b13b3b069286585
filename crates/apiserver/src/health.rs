//! Whether the server lives and is ready: each check apart, or all at once, as probes and people ask for it.

use apistore::Request;

/// One of the paths of health, and what is asked of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Check<'p> {
    /// `livez`
    endpoint: &'p str,
    /// One check alone.
    only: Option<&'p str>,
}

/// What every endpoint looks at, by the real server's names. What answers at all has its state in memory; the state is what
/// `etcd` is there.
const CHECKS: [&str; 3] = ["ping", "log", "etcd"];

/// What must hold besides before requests are sent here.
const READY: [&str; 3] = ["etcd-readiness", "informer-sync", "shutdown"];

const ENDPOINTS: [&str; 3] = ["healthz", "livez", "readyz"];

/// Every path of health.
pub(crate) fn paths() -> impl Iterator<Item = String> {
    ENDPOINTS.iter().flat_map(|endpoint| {
        let each = Check { endpoint, only: None }.checks().map(move |check| format!("/{endpoint}/{check}"));
        std::iter::once(format!("/{endpoint}")).chain(each)
    })
}

impl<'p> Check<'p> {
    /// What a path asks for; `None` where it is none of these paths.
    pub(crate) fn of(path: &'p str) -> Option<Self> {
        let path = path.strip_prefix('/')?;
        let (endpoint, only) = match path.split_once('/') {
            Some((endpoint, only)) => (endpoint, Some(only)),
            None => (path, None),
        };
        ENDPOINTS.contains(&endpoint).then_some(Self { endpoint, only })
    }

    fn checks(self) -> impl Iterator<Item = &'static str> {
        CHECKS.iter().chain(READY.iter().filter(move |_| self.endpoint == "readyz")).copied()
    }

    /// The text of the answer; `None` where there is no such check.
    pub(crate) fn answer(self, request: &Request) -> Option<String> {
        let mut checks = self.checks();
        if let Some(only) = self.only {
            return checks.any(|check| check == only).then(|| "ok".to_owned());
        }
        if request.parameter("verbose").is_none() {
            return Some("ok".to_owned());
        }
        let excluded: Vec<&str> =
            request.query.iter().filter(|(name, _)| name == "exclude").map(|(_, check)| &**check).collect();
        let lines = checks.map(|check| match excluded.contains(&check) {
            true => format!("[+]{check} excluded: ok\n"),
            false => format!("[+]{check} ok\n"),
        });
        Some(lines.chain([format!("{} check passed\n", self.endpoint)]).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use apistore::Method;

    #[test]
    fn checks_are_told_alone_and_together() {
        let check = |path: &str, query: &[(&str, &str)], want: Option<&str>| {
            let request = query.iter().fold(Request::system(Method::Get, path), |request, (name, value)| {
                request.with(name, *value)
            });
            let told = Check::of(path).and_then(|check| check.answer(&request));
            assert_eq!(told.as_deref(), want, "{path} {query:?}");
        };
        check("/livez", &[], Some("ok"));
        check("/healthz/etcd", &[], Some("ok"));
        check("/livez/nope", &[], None);
        check("/livezz", &[], None);
        check("/livez/shutdown", &[], None);
        check("/readyz/shutdown", &[], Some("ok"));
        paths().for_each(|path| check(&path, &[], Some("ok")));
        let told = "[+]ping ok\n[+]log ok\n[+]etcd excluded: ok\nlivez check passed\n";
        check("/livez", &[("verbose", ""), ("exclude", "etcd")], Some(told));
    }
}
