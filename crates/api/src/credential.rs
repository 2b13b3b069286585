//! Credentials of repositories, from Secrets labelled `lockstep.dev/type: repository`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use lockstep_core::{Finding, RepoUrl, Secret, Value};

/// How to sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Login {
    /// Without.
    Anonymous,
    /// HTTP basic.
    Basic {
        /// The user's name.
        username: String,
        /// The password, or a token in its place.
        password: Secret<String>,
    },
    /// HTTP bearer.
    Bearer(Secret<String>),
}

/// What one Secret says about the repositories below a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The Secret's namespace.
    pub namespace: String,
    /// The Secret's name.
    pub name: String,
    /// The URL that repositories begin with.
    pub url: RepoUrl,
    /// The Project whose Applications may use it from the controller's namespace.
    pub project: Option<String>,
    /// How to sign in.
    pub login: Login,
    /// Certificate authorities to trust, in PEM.
    pub ca: Option<String>,
}

/// Reads a Secret. There is a credential exactly if no finding is an error. Findings name fields, never values.
pub fn credential(secret: &Value) -> (Option<Credential>, Vec<Finding>) {
    let mut reader = Reader::new(secret);
    let url = reader.field("url").unwrap_or_default();
    if url.trim().is_empty() {
        reader.refuse("invalid-credential", "has no field url");
    }
    for name in
        ["sshPrivateKey", "knownHosts", "githubAppId", "githubAppInstallationId", "githubAppPrivateKey"]
    {
        if reader.field(name).is_some() {
            reader.refuse("not-built", &format!("field {name} is not built yet"));
        }
    }
    let login = login(&mut reader);
    let credential = Credential {
        namespace: reader.namespace.clone(),
        name: reader.name.clone(),
        url: RepoUrl::new(&url),
        project: reader.field("project"),
        login,
        ca: reader.field("ca"),
    };
    (reader.findings.is_empty().then_some(credential), reader.findings)
}

fn login(reader: &mut Reader<'_>) -> Login {
    let (username, password) = (reader.field("username"), reader.field("password"));
    match (username, password, reader.field("bearerToken")) {
        (None, None, None) => Login::Anonymous,
        (None, None, Some(token)) => Login::Bearer(Secret::new(token)),
        // Hosts that take a token as the password ignore the name, but not an empty one.
        (username, Some(password), None) => Login::Basic {
            username: username.unwrap_or_else(|| "git".to_owned()),
            password: Secret::new(password),
        },
        (Some(_), None, None) => {
            reader.refuse("invalid-credential", "has a username and no password");
            Login::Anonymous
        }
        (_, _, Some(_)) => {
            reader.refuse("invalid-credential", "has both bearerToken and username or password");
            Login::Anonymous
        }
    }
}

struct Reader<'a> {
    secret: &'a Value,
    namespace: String,
    name: String,
    findings: Vec<Finding>,
}

impl<'a> Reader<'a> {
    fn new(secret: &'a Value) -> Self {
        let text = |key| secret.str_at(&["metadata", key]).unwrap_or_default().to_owned();
        Self { secret, namespace: text("namespace"), name: text("name"), findings: Vec::new() }
    }

    fn refuse(&mut self, rule: &'static str, message: &str) {
        let message = format!("secret {}/{} {message}", self.namespace, self.name);
        self.findings.push(Finding::error(rule, message));
    }

    fn field(&mut self, name: &str) -> Option<String> {
        let text = self.secret.str_at(&["data", name])?;
        let decoded = STANDARD.decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        if decoded.is_none() {
            self.refuse("invalid-credential", &format!("field {name} is not text in base64"));
        }
        // A line break at the end comes from `echo`; no host takes one.
        decoded.map(|text| text.trim_end_matches(['\r', '\n']).to_owned()).filter(|text| !text.is_empty())
    }
}

/// Who asks for a credential.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// The namespace of the Application.
    pub namespace: &'a str,
    /// The Application's Project.
    pub project: &'a str,
    /// The controller's own namespace.
    pub controller: &'a str,
}

/// The credential for a repository: of the Application's namespace first, then of the controller's if it names the Project;
/// among these the one with the longest URL. Scheme and host must be equal; a path ends at a slash.
pub fn choose_credential<'a>(
    credentials: &'a [Credential],
    url: &RepoUrl,
    asker: Asker<'_>,
) -> Option<&'a Credential> {
    let wanted = url.identity();
    let longest = |allowed: &dyn Fn(&Credential) -> bool| {
        let fitting = credentials.iter().filter(|c| allowed(c) && covers(&c.url.identity(), &wanted));
        fitting.max_by_key(|c| (c.url.identity().len(), std::cmp::Reverse(&c.name)))
    };
    longest(&|c| c.namespace == asker.namespace).or_else(|| {
        longest(&|c| c.namespace == asker.controller && c.project.as_deref() == Some(asker.project))
    })
}

fn covers(prefix: &str, url: &str) -> bool {
    url.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_core::Map;

    fn secret(fields: &[(&str, &str)]) -> Value {
        let mut secret = Value::map(Map::new());
        secret.set(&["metadata", "namespace"], "team".into());
        secret.set(&["metadata", "name"], "repo".into());
        for (name, value) in fields {
            secret.set(&["data", name], STANDARD.encode(value).into());
        }
        secret
    }

    fn read(fields: &[(&str, &str)]) -> Result<Login, String> {
        let mut fields = fields.to_vec();
        fields.push(("url", "https://git.example.com/team"));
        let (credential, findings) = credential(&secret(&fields));
        credential.map(|credential| credential.login).ok_or_else(|| findings[0].message.clone())
    }

    #[test]
    fn logins_are_read() {
        let hidden = |text: &str| Secret::new(text.to_owned());
        let basic = |username: &str| Login::Basic { username: username.into(), password: hidden("p") };
        assert_eq!(read(&[]), Ok(Login::Anonymous));
        assert_eq!(read(&[("username", "u"), ("password", "p\n")]), Ok(basic("u")));
        assert_eq!(read(&[("password", "p")]), Ok(basic("git")));
        assert_eq!(read(&[("bearerToken", "t")]), Ok(Login::Bearer(hidden("t"))));
    }

    #[test]
    fn what_cannot_be_used_is_refused_without_its_value() {
        for (fields, message) in [
            (vec![("sshPrivateKey", "hunter2")], "secret team/repo field sshPrivateKey is not built yet"),
            (vec![("githubAppId", "hunter2")], "secret team/repo field githubAppId is not built yet"),
            (vec![("username", "hunter2")], "secret team/repo has a username and no password"),
            (
                vec![("password", "hunter2"), ("bearerToken", "t")],
                "secret team/repo has both bearerToken and username or password",
            ),
        ] {
            assert_eq!(read(&fields), Err(message.to_owned()));
        }
        let (none, findings) = credential(&secret(&[]));
        assert!(none.is_none());
        assert_eq!(findings[0].message, "secret team/repo has no field url");
    }

    fn at(namespace: &str, url: &str, project: Option<&str>) -> Credential {
        Credential {
            namespace: namespace.into(),
            name: url.into(),
            url: RepoUrl::new(url),
            project: project.map(str::to_owned),
            login: Login::Anonymous,
            ca: None,
        }
    }

    #[test]
    fn the_longest_prefix_of_the_nearest_namespace_wins() {
        let asker = Asker { namespace: "team", project: "shop", controller: "lockstep-system" };
        let all = [
            at("lockstep-system", "https://h.example/a/b", Some("shop")),
            at("lockstep-system", "https://h.example/c", Some("other")),
            at("lockstep-system", "https://h.example/d", None),
            at("team", "https://h.example/a", None),
            at("team", "https://h.example", None),
            at("stranger", "https://h.example/a/b/c", None),
        ];
        for (url, chosen, credentials) in [
            ("https://h.example/a/b.git", Some("https://h.example/a"), &all[..]),
            ("https://h.example/ab", Some("https://h.example"), &all[..]),
            ("https://h.example/a/b/c", Some("https://h.example/a/b"), &all[..3]),
            ("https://h.example/c/x", None, &all[..3]),
            ("https://h.example/d/x", None, &all[..3]),
            ("http://h.example/a", None, &all[..]),
            ("https://h.example.evil.com/a", None, &all[..]),
        ] {
            let found = choose_credential(credentials, &RepoUrl::new(url), asker);
            assert_eq!(found.map(|c| c.url.as_str()), chosen, "{url}");
        }
    }
}
