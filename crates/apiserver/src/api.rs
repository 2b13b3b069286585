//! One API, shared by all who ask it in this process.

use std::sync::Arc;
use std::time::Duration;

use apistore::{
    Answer, Answers, Body, Demand, Effect, FollowedLog, Handled, Method, Request, Response, Store, Stored,
    User, Watch, WatchEvent,
};
use lockstep_core::{Value, from_json, to_json};
use parking_lot::Mutex;
use runtime::Clock;
use tokio::sync::{oneshot, watch};

use crate::authentication::Authentication;
use crate::discovery::map;
use crate::status;
use crate::token::TokenKey;
use crate::webhook;

/// Where changes are kept. Called in the order of the changes, with the store locked: it only takes them over.
pub trait Keep: Send + Sync + 'static {
    /// Tells when these and all earlier ones are on disk; a dropped sender tells that they never will be.
    fn keep(&self, changes: Vec<Stored>) -> oneshot::Receiver<()>;
}

/// A store with what it takes to answer: a clock, keys, webhooks, and a disk where there is one.
pub struct Api {
    store: Mutex<Store>,
    clock: Clock,
    keys: TokenKey,
    keep: Option<Box<dyn Keep>>,
    revision: watch::Sender<u64>,
    /// Who is known by a token that the keys have not made.
    known: Mutex<Authentication>,
}

/// How often one request may ask for more before it is given up: webhooks that never agree.
const ROUNDS: usize = 64;

impl Api {
    /// An API in memory only.
    pub fn in_memory(store: Store, keys: TokenKey) -> Arc<Self> {
        Self::new(store, keys, None)
    }

    /// An API whose answers wait until their changes are kept.
    pub fn kept(store: Store, keys: TokenKey, keep: impl Keep) -> Arc<Self> {
        Self::new(store, keys, Some(Box::new(keep)))
    }

    fn new(store: Store, keys: TokenKey, keep: Option<Box<dyn Keep>>) -> Arc<Self> {
        let revision = watch::Sender::new(store.revision());
        let (store, known) = (Mutex::new(store), Mutex::default());
        Arc::new(Self { store, clock: Clock::system(), keys, keep, revision, known })
    }

    /// What time it is, since 1970-01-01T00:00:00Z.
    pub fn now(&self) -> Duration {
        self.clock.since_epoch()
    }

    /// Answers one request: satisfies what it demands, and waits until what it changed is kept.
    pub async fn call(&self, request: &Request) -> Response {
        let answered = self.call_noted(request, |_, _| {}).await;
        answered.unwrap_or_else(|Reset| status::internal("the connection is to break, for a test"))
    }

    /// The same; the code of the answer is noted before anyone can see what was changed. Faults that a test has injected happen
    /// here: an answer may be late, or never sent.
    pub(crate) async fn call_noted(
        &self,
        request: &Request,
        note: impl Fn(&Store, u16),
    ) -> Result<Response, Reset> {
        let mut answers = Answers::new();
        for _ in 0..ROUNDS {
            let ((step, effect), kept) = self.reduce(|store, now| {
                let step = store.handle(request, &answers, now);
                if let Handled::Done(response) = &step {
                    note(store, response.code);
                }
                (step, store.effect().cloned())
            });
            match step {
                Handled::Done(response) => {
                    let response = if kept.wait().await { response } else { status::not_kept() };
                    return happen(effect, response).await;
                }
                Handled::Need(pending) => {
                    let answered = pending.demands.into_iter().map(|demand| async {
                        let answer = self.answer(&demand).await;
                        (demand, answer)
                    });
                    answers.add(pending.begun, futures::future::join_all(answered).await);
                }
            }
        }
        Ok(status::internal("the webhooks of this request never come to an end"))
    }

    /// Lets the store change by itself, as its controllers do, and tells everyone.
    pub fn reduce<T>(&self, act: impl FnOnce(&mut Store, Duration) -> T) -> (T, Kept) {
        let now = self.now();
        let mut store = self.store.lock();
        let result = act(&mut store, now);
        let changes = store.take_changes();
        let kept = match &self.keep {
            Some(keep) if !changes.is_empty() => Kept(Some(keep.keep(changes))),
            _ => Kept(None),
        };
        let revision = store.revision();
        drop(store);
        self.revision.send_if_modified(|known| std::mem::replace(known, revision) != revision);
        (result, kept)
    }

    /// Reads without a change.
    pub fn read<T>(&self, look: impl FnOnce(&Store) -> T) -> T {
        look(&self.store.lock())
    }

    /// What happened to a watch since it was last asked, of what was there before a part; `None` when it has ended.
    pub fn poll(&self, watch: &mut Watch) -> Option<Vec<WatchEvent>> {
        self.store.lock().poll_part(watch, self.now())
    }

    /// What was added to a log since it was last asked for; `None` when nothing more will be.
    pub(crate) fn poll_log(&self, log: &mut FollowedLog) -> Option<Vec<u8>> {
        self.store.lock().poll_log(log)
    }

    /// When a watch has something to tell though nothing changes: a bookmark, or its end.
    pub(crate) fn wakes_at(&self, watch: &Watch) -> Duration {
        self.store.lock().wakes_at(watch)
    }

    /// Tells of every change of the state.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    /// Knows the users of these tokens too when it is asked whose a token is.
    pub(crate) fn introduce(&self, known: &Authentication) {
        self.known.lock().tokens.extend(known.tokens.iter().cloned());
    }

    /// A token with these claims (JSON), which this API knows again.
    pub fn sign(&self, claims: &[u8]) -> String {
        self.keys.sign(claims)
    }

    fn known(&self, token: &[u8]) -> Option<User> {
        self.known.lock().user(std::str::from_utf8(token).ok()?)
    }

    async fn answer(&self, demand: &Demand) -> Answer {
        match demand {
            Demand::Webhook(call) => match self.read(|store| webhook::without_service(call, store)) {
                Some(why) => Err(why),
                None => webhook::call(call).await,
            },
            Demand::Sign(claims) => Ok(self.keys.sign(claims).into_bytes().into()),
            Demand::Verify(token) => match self.known(token) {
                Some(user) => Ok(to_json(&map([("user", user.info())])).into()),
                None => self.keys.verify(token).ok_or_else(|| "invalid bearer token".to_owned()),
            },
        }
    }

    /// The user whom a token of a ServiceAccount names, if the token holds and the account is there.
    pub(crate) async fn service_account(&self, token: &str) -> Option<User> {
        let review = token_review(token);
        let request = Request::system(Method::Post, "/apis/authentication.k8s.io/v1/tokenreviews");
        let response = self.call(&request.body("application/json", to_json(&review))).await;
        let Body::Object(answer) = response.body else { return None };
        let answer = from_json(&answer).ok()?;
        let status = answer.get("status")?;
        (status.get("authenticated")?.as_bool()?).then_some(())?;
        Some(User::of_info(status.get("user")?))
    }
}

/// The connection is to break instead of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the connection is to break")]
pub(crate) struct Reset;

async fn happen(effect: Option<Effect>, response: Response) -> Result<Response, Reset> {
    match effect {
        Some(Effect::ResetBefore | Effect::ResetAfter) => return Err(Reset),
        Some(Effect::Delay(delay)) => tokio::time::sleep(delay).await,
        Some(Effect::Status { .. }) | None => {}
    }
    Ok(response)
}

fn token_review(token: &str) -> Value {
    let mut review = Value::default();
    review.set(&["apiVersion"], "authentication.k8s.io/v1".into());
    review.set(&["kind"], "TokenReview".into());
    review.set(&["spec", "token"], token.into());
    review
}

/// Whether changes are on disk yet.
#[must_use]
pub struct Kept(Option<oneshot::Receiver<()>>);

impl Kept {
    /// Waits until they are; false when they never will be.
    pub async fn wait(self) -> bool {
        match self.0 {
            Some(kept) => kept.await.is_ok(),
            None => true,
        }
    }
}
