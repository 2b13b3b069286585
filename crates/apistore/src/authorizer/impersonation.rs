//! Acting as someone else.
//!
//! A request may be answered for another user if its sender may act so, in one of several modes: the narrow ones say what
//! may be done under which kind of name, and are asked first; the old one allows all at once. If none fits, the refusal is
//! that of the first mode that was asked.

use super::{Asked, What, require};
use crate::failure::Failure;
use crate::info::Info;
use crate::request::Request;
use crate::state::State;
use crate::user::User;

const AUTHENTICATION: &str = "authentication.k8s.io";
/// How many groups or extras are first asked for as a whole.
const MANY: usize = 4;

/// A way to be allowed to act as someone else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    AssociatedNode,
    ArbitraryNode,
    ServiceAccount,
    UserInfo,
    /// The one verb `impersonate`.
    Any,
}

const MODES: [Mode; 5] =
    [Mode::AssociatedNode, Mode::ArbitraryNode, Mode::ServiceAccount, Mode::UserInfo, Mode::Any];

/// Who a request is to be answered for: the user, or whom the user may impersonate.
pub(crate) fn effective_user(state: &State, request: &Request) -> Result<User, Failure> {
    let Some(wanted) = &request.impersonate else { return Ok(request.user.clone()) };
    if wanted.name.is_empty() {
        let shown = shown(wanted);
        return Err(Failure::bad_request(format!("requested {shown} without impersonating a user name")));
    }
    let mut first = None;
    for mode in MODES.into_iter().filter(|mode| mode.fits(wanted, &request.user)) {
        match impersonate(state, request, wanted, mode) {
            Ok(user) => return Ok(user),
            Err(failure) => _ = first.get_or_insert(failure),
        }
    }
    Err(first.unwrap_or_else(|| Failure::unknown("all impersonation modes failed")))
}

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Self::AssociatedNode => "associated-node",
            Self::ArbitraryNode => "arbitrary-node",
            Self::ServiceAccount => "serviceaccount",
            Self::UserInfo => "user-info",
            Self::Any => "",
        }
    }

    fn verb(self) -> String {
        match self {
            Self::Any => "impersonate".to_owned(),
            _ => format!("impersonate:{}", self.name()),
        }
    }

    /// The group of users and groups, which were once thought to be of the core.
    fn group(self) -> &'static str {
        if self == Self::Any { "" } else { AUTHENTICATION }
    }

    /// Whether the mode is about users such as the wanted one.
    fn fits(self, wanted: &User, sender: &User) -> bool {
        let only_name = wanted.uid.is_empty() && wanted.groups.is_empty() && wanted.extra.is_empty();
        let (node, account) = (node(&wanted.name), account(&wanted.name));
        match self {
            Self::AssociatedNode => only_name && node.is_some_and(|node| is_on(sender, node)),
            Self::ArbitraryNode => only_name && node.is_some(),
            Self::ServiceAccount => only_name && account.is_some(),
            Self::UserInfo => node.is_none() && account.is_none(),
            Self::Any => true,
        }
    }
}

/// The user, if the mode allows to act so.
fn impersonate(state: &State, request: &Request, wanted: &User, mode: Mode) -> Result<User, Failure> {
    if mode != Mode::Any {
        let info = Info::of(request);
        let name = info.as_ref().map(|info| super::name_of(request, info)).unwrap_or_default();
        let (verb, what) = super::question(request, info.as_ref(), &name);
        let verb = format!("impersonate-on:{}:{verb}", mode.name());
        require(state, &request.user, &verb, &what)?;
    }
    let ask = Ask { state, sender: &request.user, verb: mode.verb(), mode };
    let mut user = wanted.clone();
    ask.name(wanted, &mut user)?;
    if !wanted.uid.is_empty() {
        ask.for_one(AUTHENTICATION, "uids", "", &wanted.uid)?;
    }
    ask.groups(&wanted.groups)?;
    ask.extra(wanted)?;
    let all = match &*user.name {
        "system:anonymous" => "system:unauthenticated",
        _ if user.groups.iter().any(|group| group == "system:unauthenticated") => return Ok(user),
        _ => "system:authenticated",
    };
    if !user.groups.iter().any(|group| group == all) {
        user.groups.push(all.to_owned());
    }
    Ok(user)
}

/// What a sender asks for in a mode.
struct Ask<'a> {
    state: &'a State,
    sender: &'a User,
    verb: String,
    mode: Mode,
}

impl Ask<'_> {
    fn for_one(&self, group: &str, resource: &str, subresource: &str, name: &str) -> Result<(), Failure> {
        let asked = Asked { group, resource, subresource, namespace: "", name };
        require(self.state, self.sender, &self.verb, &What::Resource(asked))
    }

    fn name(&self, wanted: &User, user: &mut User) -> Result<(), Failure> {
        if let Some(node) = node(&wanted.name).filter(|_| self.mode != Mode::Any) {
            user.groups = vec!["system:nodes".to_owned()];
            // Who is on the node may act as any node that it is on.
            let node = if self.mode == Mode::AssociatedNode { "*" } else { node };
            return self.for_one(AUTHENTICATION, "nodes", "", node);
        }
        if let Some((namespace, name)) = account(&wanted.name) {
            if wanted.groups.is_empty() {
                let all = "system:serviceaccounts";
                user.groups = vec![all.to_owned(), format!("{all}:{namespace}")];
            }
            let asked = Asked {
                group: self.mode.group(),
                resource: "serviceaccounts",
                subresource: "",
                namespace,
                name,
            };
            return require(self.state, self.sender, &self.verb, &What::Resource(asked));
        }
        self.for_one(self.mode.group(), "users", "", &wanted.name)
    }

    fn groups(&self, groups: &[String]) -> Result<(), Failure> {
        let group = self.mode.group();
        if self.mode != Mode::Any {
            let masters = groups.iter().any(|group| group == "system:masters");
            for (is, name, what) in [
                (groups.iter().any(String::is_empty), "", "empty string"),
                (masters, "system:masters", "system:masters"),
            ] {
                if is {
                    let asked = Asked { group, resource: "groups", subresource: "", namespace: "", name };
                    let why = format!("impersonating the {what} group is not allowed");
                    return Err(super::forbidden(self.sender, &self.verb, &What::Resource(asked), &why));
                }
            }
            if groups.len() >= MANY && self.for_one(group, "groups", "", "*").is_ok() {
                return Ok(());
            }
        }
        groups.iter().try_for_each(|name| self.for_one(group, "groups", "", name))
    }

    fn extra(&self, wanted: &User) -> Result<(), Failure> {
        let count: usize = wanted.extra.values().map(Vec::len).sum();
        let narrow = self.mode != Mode::Any;
        if let Some(why) = narrow.then(|| bad_extra(wanted)).flatten() {
            let asked = Asked { group: AUTHENTICATION, resource: "userextras", ..Asked::default() };
            return Err(super::forbidden(self.sender, &self.verb, &What::Resource(asked), &why));
        }
        if narrow && count >= MANY && self.for_one(AUTHENTICATION, "userextras", "*", "*").is_ok() {
            return Ok(());
        }
        let mut all =
            wanted.extra.iter().flat_map(|(key, values)| values.iter().map(move |value| (key, value)));
        all.try_for_each(|(key, value)| self.for_one(AUTHENTICATION, "userextras", key, value))
    }
}

/// Why the narrow modes do not take an extra: its key must be a path below a domain.
fn bad_extra(wanted: &User) -> Option<String> {
    let at = schema::At::ROOT.field("extra");
    let at = at.field("key");
    for (key, values) in &wanted.extra {
        if key.is_empty() {
            return Some("impersonating the empty string key in extra is not allowed".to_owned());
        }
        let detail = match key.split_once('/') {
            Some((host, path)) if !host.is_empty() && !path.is_empty() => {
                crate::fallback::subdomain(host).err().map(|errors| (host, errors.join(", ")))
            }
            _ => Some((&**key, "must be a domain-prefixed path (such as \"acme.io/foo\")".to_owned())),
        };
        if let Some((value, detail)) = detail {
            let error = schema::FieldError::invalid(&at, value, detail);
            return Some(format!("impersonating an invalid key in extra is not allowed: {error}"));
        }
        if key.chars().any(char::is_uppercase) {
            let key = crate::failure::quoted(key);
            return Some(format!("impersonating a non-lowercase key in extra is not allowed: {key}"));
        }
        if values.iter().any(String::is_empty) {
            return Some("impersonating the empty string value in extra is not allowed".to_owned());
        }
    }
    None
}

/// The node of a user name.
fn node(name: &str) -> Option<&str> {
    let node = name.strip_prefix("system:node:")?;
    crate::fallback::subdomain(node).is_ok().then_some(node)
}

/// Namespace and name of the ServiceAccount of a user name.
fn account(name: &str) -> Option<(&str, &str)> {
    let (namespace, name) = name.strip_prefix("system:serviceaccount:")?.split_once(':')?;
    let fits = !namespace.is_empty() && !name.is_empty() && !name.contains(':');
    fits.then_some((namespace, name))
}

/// Whether a user is an account whose token is bound to a pod on a node.
fn is_on(user: &User, node: &str) -> bool {
    let extra = user.extra.get("authentication.kubernetes.io/node-name");
    account(&user.name).is_some() && extra.is_some_and(|names| *names == [node])
}

/// A user as Go's `%#v` shows it.
fn shown(user: &User) -> String {
    let list = |items: &[String]| {
        let items: Vec<String> = items.iter().map(|item| crate::failure::quoted(item)).collect();
        format!("[]string{{{}}}", items.join(", "))
    };
    let groups = if user.groups.is_empty() { "[]string(nil)".to_owned() } else { list(&user.groups) };
    let extra = match user.extra.is_empty() {
        true => "map[string][]string(nil)".to_owned(),
        false => {
            let entry = |(key, values): (&String, &Vec<String>)| {
                let values = list(values);
                format!("{}:{values}", crate::failure::quoted(key))
            };
            let entries: Vec<String> = user.extra.iter().map(entry).collect();
            format!("map[string][]string{{{}}}", entries.join(", "))
        }
    };
    let uid = crate::failure::quoted(&user.uid);
    format!(r#"&user.DefaultInfo{{Name:"", UID:{uid}, Groups:{groups}, Extra:{extra}}}"#)
}
