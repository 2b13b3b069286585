//! Secrets of type `kubernetes.io/service-account-token`: who asks for one that way wants a token that lasts.

use std::fmt;
use std::sync::Arc;

use apistore::{Answers, Body, Demand, Handled, Method, Request, User};
use lockstep_core::{Value, from_json, to_json};

use crate::client::{Actor, Context, Refused};
use crate::controller::{Controller, Due};
use crate::kind::Kind;
use crate::object::{annotation, is_deleting, name, namespace, object, text, uid};
use crate::view::{Change, Id, View};

type Sign = dyn Fn(&[u8]) -> String + Send + Sync;

/// Signs the claims of a token with the cluster's key.
#[derive(Clone)]
pub(crate) struct Signer(pub(crate) Arc<Sign>);

/// Fills them with a token of their account, and deletes them with it.
#[derive(Clone, Debug)]
pub(crate) struct TokenSecrets {
    pub(crate) authority: String,
    pub(crate) signer: Signer,
}

const TYPE: &str = "kubernetes.io/service-account-token";
const ACCOUNT: &str = "kubernetes.io/service-account.name";
const ACCOUNT_UID: &str = "kubernetes.io/service-account.uid";
/// The longest time that can be asked for: 136 years. A real cluster's token of this kind has no end.
const FOR_EVER: i64 = 1 << 32;

impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer")
    }
}

impl Controller for TokenSecrets {
    fn actor(&self) -> Actor<'static> {
        Actor::Controller("tokens-controller")
    }

    fn touched(&mut self, change: &Change, view: &View) -> Vec<Id> {
        match (change.id.kind, &change.new) {
            (Kind::SECRETS, Some(secret)) if text(secret, &["type"]) == TYPE => vec![change.id.clone()],
            (Kind::ACCOUNTS, _) => {
                let near = view.within(Kind::SECRETS, &change.id.key.namespace);
                let tokens = near.filter(|(_, secret)| text(secret, &["type"]) == TYPE);
                tokens.map(|(key, _)| Id { kind: Kind::SECRETS, key: key.clone() }).collect()
            }
            _ => Vec::new(),
        }
    }

    fn reconcile(&mut self, id: &Id, cx: &mut Context<'_>) -> Result<Due, Refused> {
        let Some(secret) = cx.store.object("", "secrets", &id.key.namespace, &id.key.name) else {
            return Ok(None);
        };
        let Some(wanted) = annotation(&secret, ACCOUNT).filter(|name| !name.is_empty()) else {
            return Ok(None);
        };
        if is_deleting(&secret) || text(&secret, &["type"]) != TYPE {
            return Ok(None);
        }
        let account = cx.store.object("", "serviceaccounts", namespace(&secret), wanted);
        let known = annotation(&secret, ACCOUNT_UID).unwrap_or_default();
        let account = account.filter(|account| known.is_empty() || known == uid(account));
        let Some(account) = account else {
            // Also one whose account was made anew: its token is that of another.
            return cx.delete(Kind::SECRETS, &secret, &[]).map(|()| None);
        };
        let lacks = |key: &&str| secret.at(&["data", key]).is_none();
        let missing: Vec<&str> = ["ca.crt", "namespace", "token"].into_iter().filter(lacks).collect();
        if missing.is_empty() && !known.is_empty() {
            return Ok(None);
        }
        let mut after = secret.clone();
        after.set(&["metadata", "annotations", ACCOUNT_UID], uid(&account).into());
        for key in missing {
            let text = match key {
                "ca.crt" => self.authority.clone(),
                "namespace" => namespace(&secret).to_owned(),
                _ => self.token(&secret, name(&account), cx)?,
            };
            after.set(&["stringData", key], text.into());
        }
        cx.update(Kind::SECRETS, &after).map(|_| None)
    }
}

impl TokenSecrets {
    /// A token of an account that holds as long as the Secret is there.
    fn token(&self, secret: &Value, account: &str, cx: &mut Context<'_>) -> Result<String, Refused> {
        *cx.spent += 1;
        let bound = object! {
            "apiVersion": "v1", "kind": "Secret", "name": name(secret), "uid": uid(secret),
        };
        let body = object! {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": object! {"expirationSeconds": FOR_EVER, "boundObjectRef": bound},
        };
        let path = format!("/api/v1/namespaces/{}/serviceaccounts/{account}/token", namespace(secret));
        let request = Request::system(Method::Post, path).body("application/json", to_json(&body));
        let request = request.by(User::system());
        let mut answers = Answers::new();
        // Asked once for the signature, and once with it.
        for _ in 0..2 {
            match cx.store.handle(&request, &answers, cx.now) {
                Handled::Done(response) => {
                    let Body::Object(json) = &response.body else { break };
                    let answer = from_json(json).unwrap_or_default();
                    return match answer.str_at(&["status", "token"]) {
                        Some(token) => Ok(token.to_owned()),
                        None => Err(Refused::Other(text(&answer, &["message"]).to_owned())),
                    };
                }
                Handled::Need(pending) => {
                    let signed = pending.demands.into_iter().filter_map(|demand| match &demand {
                        Demand::Sign(claims) => {
                            let token = (self.signer.0)(claims);
                            Some((demand, Ok(token.into_bytes().into())))
                        }
                        _ => None,
                    });
                    let signed: Vec<_> = signed.collect();
                    answers.add(pending.begun, signed);
                }
            }
        }
        Err(Refused::Other("a webhook would have to be asked".to_owned()))
    }
}
