//! Lockstep's own resources as their watches show them: Applications, Projects and repositories' credentials.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use api::{Asker, Credential, Intents, Login};
use git::Access;
use lockstep_core::{AppKey, RepoUrl, Value};
use parking_lot::RwLock;

use crate::queue::Cause;

/// What of an Application decides whether it must be reconciled: our own writes of status and finalizer change none of it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Facet {
    uid: Option<String>,
    generation: Option<i64>,
    deleting: bool,
    intents: Intents,
}

impl Facet {
    fn of(application: &Value) -> Self {
        Self {
            uid: uid_of(application).map(str::to_owned),
            generation: application.int_at(&["metadata", "generation"]),
            deleting: application.at(&["metadata", "deletionTimestamp"]).is_some(),
            intents: Intents::read(application),
        }
    }
}

#[derive(Default)]
struct Inner {
    applications: BTreeMap<AppKey, (Arc<Value>, Facet)>,
    projects: HashMap<Arc<str>, Arc<Value>>,
    credentials: HashMap<(Arc<str>, Arc<str>), Credential>,
}

/// What the watches have shown.
#[derive(Default)]
pub(crate) struct Store(RwLock<Inner>);

impl Store {
    /// Takes in an Application and says why it must be reconciled, if it must.
    pub(crate) fn set_application(&self, key: &AppKey, mut application: Value) -> Option<Cause> {
        // Half of the resource, and of no use here.
        application.remove(&["metadata", "managedFields"]);
        let facet = Facet::of(&application);
        let mut inner = self.0.write();
        if inner.applications.get(key).is_some_and(|(old, _)| is_older(&application, old)) {
            return None;
        }
        let before = inner.applications.insert(key.clone(), (Arc::new(application), facet.clone()));
        match before {
            Some((_, before)) if before == facet => None,
            Some((_, mut before)) => {
                before.intents = facet.intents.clone();
                Some(if before == facet { Cause::Request } else { Cause::Spec })
            }
            None => Some(Cause::Spec),
        }
    }

    /// Takes in the answer to our own write. It never brings back an Application that the watch has shown to be gone.
    pub(crate) fn answer(&self, key: &AppKey, application: Value) -> Option<Cause> {
        let known = self.application(key).is_some_and(|known| uid_of(&known) == uid_of(&application));
        if known { self.set_application(key, application) } else { None }
    }

    /// Forgets an Application.
    pub(crate) fn remove_application(&self, key: &AppKey) {
        self.0.write().applications.remove(key);
    }

    /// An Application.
    pub(crate) fn application(&self, key: &AppKey) -> Option<Arc<Value>> {
        self.0.read().applications.get(key).map(|(application, _)| application.clone())
    }

    /// The names of all Applications, sorted.
    pub(crate) fn applications(&self) -> Vec<AppKey> {
        let mut all: Vec<AppKey> = self.0.read().applications.keys().cloned().collect();
        all.sort();
        all
    }

    /// Takes in a Project, or that it is gone. Returns the Applications that name it.
    pub(crate) fn set_project(&self, name: &str, project: Option<Value>) -> Vec<AppKey> {
        let mut inner = self.0.write();
        let spec = |project: &Value| project.get("spec").cloned();
        let before = match project {
            Some(project) => inner.projects.insert(name.into(), Arc::new(project)),
            None => inner.projects.remove(name),
        };
        let after = inner.projects.get(name);
        if before.is_some() == after.is_some()
            && before.as_deref().and_then(spec) == after.and_then(|p| spec(p))
        {
            return Vec::new();
        }
        inner
            .applications
            .iter()
            .filter(|(_, (app, _))| project_of(app) == name)
            .map(|(key, _)| key.clone())
            .collect()
    }

    /// A Project.
    pub(crate) fn project(&self, name: &str) -> Option<Arc<Value>> {
        self.0.read().projects.get(name).cloned()
    }

    /// Takes in a repository's credential, or that it is gone. Returns the Applications that may use it, or did.
    pub(crate) fn set_credential(
        &self,
        key: (Arc<str>, Arc<str>),
        credential: Option<Credential>,
    ) -> BTreeSet<AppKey> {
        let mut inner = self.0.write();
        let before = match credential.clone() {
            Some(credential) => inner.credentials.insert(key, credential),
            None => inner.credentials.remove(&key),
        };
        let urls: Vec<String> =
            before.iter().chain(&credential).map(|credential| credential.url.identity()).collect();
        let concerned = |application: &Value| {
            let sources = application.at(&["spec", "sources"]).and_then(Value::as_list).unwrap_or_default();
            let mut addresses = sources.iter().filter_map(|source| source.str_at(&["git", "url"]));
            addresses.any(|address| urls.iter().any(|url| RepoUrl::new(address).identity().starts_with(url)))
        };
        inner.applications.iter().filter(|(_, (app, _))| concerned(app)).map(|(key, _)| key.clone()).collect()
    }

    /// How an Application is let into a repository.
    pub(crate) fn access(&self, url: &RepoUrl, asker: Asker<'_>, proxy: Option<&Proxy>) -> Access {
        let credentials: Vec<Credential> = self.0.read().credentials.values().cloned().collect();
        access(&credentials, url, asker, proxy)
    }
}

/// How an Application is let into a repository, given all credentials.
pub(crate) fn access(
    credentials: &[Credential],
    url: &RepoUrl,
    asker: Asker<'_>,
    proxy: Option<&Proxy>,
) -> Access {
    let mut access = match api::choose_credential(credentials, url, asker) {
        Some(credential) => access_of(credential),
        None => Access::anonymous(),
    };
    access.proxy = proxy.and_then(|proxy| proxy.of(url));
    access
}

/// Of two states of one object the one with the smaller resourceVersion: a watch may lag behind the answer to our own write.
fn is_older(new: &Value, old: &Value) -> bool {
    let version = |value: &Value| value.str_at(&["metadata", "resourceVersion"])?.parse::<u64>().ok();
    uid_of(new) == uid_of(old) && version(new).zip(version(old)).is_some_and(|(new, old)| new < old)
}

fn uid_of(object: &Value) -> Option<&str> {
    object.str_at(&["metadata", "uid"])
}

fn project_of(application: &Value) -> &str {
    application.str_at(&["spec", "project"]).unwrap_or(api::DEFAULT_PROJECT)
}

fn access_of(credential: &Credential) -> Access {
    let mut access = match &credential.login {
        Login::Anonymous => Access::anonymous(),
        Login::Basic { username, password } => {
            Access { basic: Some((username.clone(), password.clone())), ..Access::default() }
        }
        Login::Bearer(token) => Access { bearer: Some(token.clone()), ..Access::default() },
    };
    access.ca_pem = credential.ca.clone();
    access
}

/// The HTTP proxy of the controller's environment and the hosts that it is not for.
#[derive(Clone, Debug, Default)]
pub struct Proxy {
    /// For `http://` addresses.
    pub http: Option<lockstep_core::Secret<String>>,
    /// For `https://` addresses.
    pub https: Option<lockstep_core::Secret<String>>,
    /// Host names, or domains that begin with a dot, with or without a port; IP addresses, IPv6 ones with brackets or
    /// without; `*` for all. Networks (`10.0.0.0/8`) are not understood.
    pub except: Vec<String>,
}

impl Proxy {
    fn of(&self, url: &RepoUrl) -> Option<lockstep_core::Secret<String>> {
        let (scheme, rest) = url.as_str().split_once("://")?;
        let (host, port) = host_and_port(rest.split('/').next().unwrap_or_default());
        let port = port.unwrap_or(if scheme.eq_ignore_ascii_case("https") { "443" } else { "80" });
        let excepted = |rule: &String| {
            let (domain, only) = host_and_port(rule.trim());
            let domain = domain.trim_start_matches('.');
            let is_below = || host.strip_suffix(domain).is_some_and(|head| head.ends_with('.'));
            let is_host = domain == "*" || host == domain || !domain.is_empty() && is_below();
            is_host && only.is_none_or(|only| only == port)
        };
        if self.except.iter().any(excepted) {
            return None;
        }
        if scheme.eq_ignore_ascii_case("https") { self.https.clone() } else { self.http.clone() }
    }
}

/// A host without the brackets of an IPv6 address, and a port. What has several colons and no brackets is an address.
fn host_and_port(text: &str) -> (String, Option<&str>) {
    let (host, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, rest)) => (host, rest.strip_prefix(':')),
        None if text.matches(':').count() > 1 => (text, None),
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    // Equal addresses have many spellings.
    let address = host.parse::<std::net::IpAddr>().map(|address| address.to_string());
    (address.unwrap_or_else(|_| host.to_ascii_lowercase()), port)
}

#[cfg(test)]
mod tests {
    use lockstep_core::{Secret, from_json};

    use super::*;

    fn application(version: u64, generation: u64, annotations: &str, rest: &str) -> Value {
        let text = format!(
            r#"{{"metadata":{{"uid":"u","resourceVersion":"{version}","generation":{generation},"annotations":{annotations}}}{rest}}}"#
        );
        from_json(text.as_bytes()).unwrap()
    }

    #[test]
    fn only_what_a_user_changes_makes_a_reconcile() {
        let (store, key) = (Store::default(), AppKey::new("n", "a"));
        let set = |app| store.set_application(&key, app);
        assert_eq!(set(application(1, 1, "{}", "")), Some(Cause::Spec));
        assert_eq!(set(application(2, 1, "{}", r#","status":{}"#)), None);
        assert_eq!(set(application(3, 1, r#"{"other":"x"}"#, "")), None);
        assert_eq!(set(application(4, 1, r#"{"lockstep.dev/sync":"x"}"#, "")), Some(Cause::Request));
        assert_eq!(set(application(5, 2, r#"{"lockstep.dev/sync":"x"}"#, "")), Some(Cause::Spec));
        assert_eq!(set(application(4, 1, "{}", "")), None, "a lagging watch");
        store.remove_application(&key);
        assert_eq!(store.answer(&key, application(6, 2, "{}", "")), None);
        assert!(store.application(&key).is_none(), "an answer brings nothing back");
    }

    #[test]
    fn a_project_concerns_those_that_name_it() {
        let store = Store::default();
        store.set_application(&AppKey::new("n", "a"), application(1, 1, "{}", ""));
        store.set_application(&AppKey::new("n", "b"), application(1, 1, "{}", r#","spec":{"project":"p"}"#));
        assert_eq!(store.set_project("default", Some(Value::default())), [AppKey::new("n", "a")]);
        assert!(store.set_project("default", Some(Value::default())).is_empty());
        assert_eq!(store.set_project("p", Some(Value::default())), [AppKey::new("n", "b")]);
        assert_eq!(store.set_project("p", None), [AppKey::new("n", "b")]);
    }

    #[test]
    fn proxies_are_not_for_excepted_hosts() {
        let proxy = Proxy {
            http: Some(Secret::new("http://p".to_owned())),
            https: None,
            except: [".local", "127.0.0.1", "::1", "[fd00::2]", "h:8080", ""].map(str::to_owned).into(),
        };
        for (url, used) in [
            ("http://git.example.com/x", true),
            ("http://git.local/x", false),
            ("http://GIT.LOCAL/x", false),
            ("http://notlocal/x", true),
            ("http://127.0.0.1:80/x", false),
            ("http://[::1]:3000/x", false),
            ("http://[0:0::1]/x", false),
            ("http://[fd00::2]/x", false),
            ("http://[fd00::3]:80/x", true),
            ("http://h:8080/x", false),
            ("http://h/x", true),
            ("https://git.example.com/x", false),
            ("/a/folder", false),
        ] {
            assert_eq!(proxy.of(&RepoUrl::new(url)).is_some(), used, "{url}");
        }
    }
}
