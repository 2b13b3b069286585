//! What is asked.

use std::fmt;
use std::sync::Arc;

use crate::user::User;

/// The methods of HTTP that the API knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// get, list, watch
    Get,
    /// create
    Post,
    /// update
    Put,
    /// patch, apply
    Patch,
    /// delete, deletecollection
    Delete,
}

/// One request, as it came over HTTP or as a caller in this process made it.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// The path, decoded: `/apis/apps/v1/namespaces/a/deployments/b/scale`.
    pub path: String,
    /// The parameters of the query, decoded, in their order.
    pub query: Vec<(String, String)>,
    /// The media type of the body, as sent; may be empty.
    pub content_type: String,
    /// The body; may be empty.
    pub body: Arc<[u8]>,
    /// Who asks: the authenticated user.
    pub user: User,
    /// Whom the user wants to be, from the `Impersonate-` headers; the store decides whether it may.
    pub impersonate: Option<User>,
    /// The `User-Agent`: its first word is the field manager of who names none.
    pub agent: String,
}

impl Request {
    /// A request of the system itself, which may do anything, without body and parameters: for callers in this process. What came
    /// from outside is asked [by](Self::by) someone.
    pub fn system(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            query: Vec::new(),
            content_type: String::new(),
            body: Arc::default(),
            user: User::system(),
            impersonate: None,
            agent: String::new(),
        }
    }

    /// The first value of a parameter.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| &**value)
    }

    /// The same with a parameter more.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }

    /// The same with a body.
    #[must_use]
    pub fn body(mut self, content_type: &str, body: impl Into<Arc<[u8]>>) -> Self {
        content_type.clone_into(&mut self.content_type);
        self.body = body.into();
        self
    }

    /// The same, asked by someone else.
    #[must_use]
    pub fn by(mut self, user: User) -> Self {
        self.user = user;
        self
    }

    /// The same, sent by the program `agent`.
    #[must_use]
    pub fn agent(mut self, agent: &str) -> Self {
        agent.clone_into(&mut self.agent);
        self
    }
}

/// Bodies hold Secrets: only how long they are is shown.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("user", &self.user.name)
            .field("body", &format_args!("{} bytes", self.body.len()))
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_not_shown() {
        let request = Request::system(Method::Post, "/api/v1/namespaces/a/secrets").body("", *b"hunter2");
        let shown = format!("{request:?}");
        assert!(shown.contains("7 bytes") && !shown.contains("hunter2") && !shown.contains("104"), "{shown}");
    }
}
