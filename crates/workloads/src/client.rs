//! How controllers read and write: by requests, as clients of the API.

use std::time::Duration;

use apistore::{Answers, Body, Handled, Method, Request, Store, User};
use lockstep_core::{Value, from_json, to_json};

use crate::event::Recorder;
use crate::kind::Kind;
use crate::object::{name, namespace, stamp, text, uid};
use crate::view::View;

/// Why a request came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The object is not there (any more).
    NotFound,
    /// There is one of this name already.
    Exists,
    /// It has changed since it was read.
    Conflict,
    /// Something else, in the words of the server.
    Other(String),
}

/// Whom a controller writes as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Actor<'a> {
    /// A controller of `kube-controller-manager`, by the name of its ServiceAccount.
    Controller(&'a str),
    Scheduler,
    /// The kubelet of a node.
    Kubelet(&'a str),
}

/// What a controller works with.
pub(crate) struct Context<'a> {
    pub(crate) view: &'a View,
    pub(crate) store: &'a mut Store,
    pub(crate) recorder: &'a mut Recorder,
    pub(crate) now: Duration,
    pub(crate) actor: Actor<'a>,
    /// How many requests were made.
    pub(crate) spent: &'a mut usize,
}

const MERGE: &str = "application/merge-patch+json";
const JSON: &str = "application/json";

impl Actor<'_> {
    fn user(self) -> User {
        // Members of system:masters, so that the roles of a cluster cannot stop it.
        match self {
            Self::Controller(name) => {
                let mut user = User::service_account("kube-system", name);
                user.groups.push("system:masters".to_owned());
                user
            }
            Self::Scheduler => User::of("system:kube-scheduler", &["system:masters", "system:authenticated"]),
            Self::Kubelet(node) => {
                let groups = ["system:nodes", "system:masters", "system:authenticated"];
                User::of(&format!("system:node:{node}"), &groups)
            }
        }
    }

    fn agent(self) -> &'static str {
        match self {
            Self::Controller(_) => "kube-controller-manager",
            Self::Scheduler => "kube-scheduler",
            Self::Kubelet(_) => "kubelet",
        }
    }
}

impl<'a> Context<'a> {
    /// The same, writing as someone else.
    pub(crate) fn acting_as<'b>(&'b mut self, actor: Actor<'b>) -> Context<'b>
    where
        'a: 'b,
    {
        let Self { view, store, recorder, now, spent, .. } = self;
        Context { view, store, recorder, now: *now, actor, spent }
    }

    pub(crate) fn stamp(&self) -> String {
        stamp(self.now)
    }

    pub(crate) fn send(&mut self, request: Request) -> Result<Value, Refused> {
        *self.spent += 1;
        let request = request.by(self.actor.user()).agent(self.actor.agent());
        let response = match self.store.handle(&request, &Answers::new(), self.now) {
            Handled::Done(response) => response,
            Handled::Need(_) => return Err(Refused::Other("a webhook would have to be asked".to_owned())),
        };
        let body = match &response.body {
            Body::Object(json) => from_json(json).unwrap_or_default(),
            _ => Value::Null,
        };
        match response.code {
            200..300 => Ok(body),
            404 => Err(Refused::NotFound),
            409 if text(&body, &["reason"]) == "AlreadyExists" => Err(Refused::Exists),
            409 => Err(Refused::Conflict),
            _ => Err(Refused::Other(text(&body, &["message"]).to_owned())),
        }
    }

    fn path(&self, kind: Kind, namespace: &str, name: &str) -> String {
        self.view.kinds.get(kind).path(namespace, name)
    }

    pub(crate) fn create(&mut self, kind: Kind, object: &Value) -> Result<Value, Refused> {
        let mut object = object.clone();
        let resource = self.view.kinds.get(kind);
        object.set(&["apiVersion"], resource.api_version().into());
        object.set(&["kind"], resource.kind.clone().into());
        let path = self.path(kind, namespace(&object), "");
        self.send(Request::system(Method::Post, path).body(JSON, to_json(&object)))
    }

    /// Replaces an object, if it is still as it was read.
    pub(crate) fn update(&mut self, kind: Kind, object: &Value) -> Result<Value, Refused> {
        let path = self.path(kind, namespace(object), name(object));
        self.send(Request::system(Method::Put, path).body(JSON, to_json(object)))
    }

    pub(crate) fn update_status(&mut self, kind: Kind, object: &Value) -> Result<Value, Refused> {
        let path = self.path(kind, namespace(object), name(object));
        self.send(Request::system(Method::Put, format!("{path}/status")).body(JSON, to_json(object)))
    }

    /// Changes some fields of an object, however it is otherwise.
    pub(crate) fn merge(&mut self, kind: Kind, object: &Value, patch: &Value) -> Result<Value, Refused> {
        let path = self.path(kind, namespace(object), name(object));
        self.send(Request::system(Method::Patch, path).body(MERGE, to_json(patch)))
    }

    /// Deletes this very object; `options` are further fields of `DeleteOptions`.
    pub(crate) fn delete(
        &mut self,
        kind: Kind,
        object: &Value,
        options: &[(&str, Value)],
    ) -> Result<(), Refused> {
        let path = self.path(kind, namespace(object), name(object));
        let mut body = Value::default();
        body.set(&["apiVersion"], "v1".into());
        body.set(&["kind"], "DeleteOptions".into());
        body.set(&["preconditions", "uid"], uid(object).into());
        options.iter().for_each(|(key, value)| body.set(&[key], value.clone()));
        match self.send(Request::system(Method::Delete, path).body(JSON, to_json(&body))) {
            Ok(_) | Err(Refused::NotFound) => Ok(()),
            // Another object of the name: this one is gone.
            Err(Refused::Conflict) => Ok(()),
            Err(refused) => Err(refused),
        }
    }

    /// Deletes, and lets the garbage collector delete what the object owns.
    pub(crate) fn delete_in_background(&mut self, kind: Kind, object: &Value) -> Result<(), Refused> {
        self.delete(kind, object, &[("propagationPolicy", "Background".into())])
    }

    /// Tells of something that happened to an object.
    pub(crate) fn event(&mut self, object: &Value, kind: &str, reason: &str, message: &str) {
        let note = crate::event::Note { kind, reason, message };
        let request = self.recorder.record(self.actor.source(), object, note, self.now);
        if let Some(request) = request {
            // An event that cannot be written (its namespace goes away) is lost, as in a real cluster.
            let _lost = self.send(request);
        }
    }

    pub(crate) fn normal(&mut self, object: &Value, reason: &str, message: &str) {
        self.event(object, "Normal", reason, message);
    }

    pub(crate) fn warning(&mut self, object: &Value, reason: &str, message: &str) {
        self.event(object, "Warning", reason, message);
    }
}

impl<'a> Actor<'a> {
    /// The component and the host that an event names as its source.
    pub(crate) fn source(self) -> (&'a str, &'a str) {
        match self {
            Self::Controller(name) => (component(name), ""),
            Self::Scheduler => ("default-scheduler", ""),
            Self::Kubelet(node) => ("kubelet", node),
        }
    }
}

/// What a controller calls itself in events, which is not always the name of its account.
fn component(account: &str) -> &str {
    match account {
        "daemon-set-controller" => "daemonset-controller",
        "disruption-controller" => "controllermanager",
        "persistent-volume-binder" => "persistentvolume-controller",
        other => other,
    }
}
