//! Following one kind for the controller itself: Applications, Projects, Secrets with a label.

use std::collections::HashMap;
use std::sync::Arc;

use lockstep_core::ObjectKey;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::connection::Connection;
use crate::queue::Queue;
use crate::raw::{Head, RawObject};
use crate::resource::Resource;
use crate::stream::{self, Failure, Listed, Selector, Sink, Source};

/// What a watch says.
#[derive(Clone, Debug)]
pub enum WatchEvent {
    /// The object is there, new or changed.
    Applied(RawObject),
    /// The object is gone; the last state that was seen of it, with only its metadata where it vanished unseen.
    Deleted(RawObject),
    /// Everything that exists has been told. Comes after the first list, and again after each interruption.
    Synced,
    /// Nothing is known any more, until Synced comes again.
    Failing(Failure),
}

#[derive(Clone, PartialEq, Eq, Hash)]
enum Place {
    Object(Arc<str>, Arc<str>),
    State,
}

/// A running watch; dropping it ends it. Events of one object that nobody has read yet are merged into the newest.
pub struct Watch {
    inner: Arc<Inner>,
    task: tokio::task::JoinHandle<()>,
}

#[derive(Default)]
struct Inner {
    events: Queue<Place, WatchEvent>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    objects: HashMap<(Arc<str>, Arc<str>), (RawObject, u32)>,
    list: u32,
}

impl Watch {
    /// Starts to follow a resource in all namespaces or in one.
    pub fn start(
        connection: &Connection,
        resource: &Resource,
        namespace: Option<&str>,
        selector: Selector,
    ) -> Self {
        Self::spawn(Source {
            connection: connection.clone(),
            resource: resource.clone(),
            namespace: namespace.map(Arc::from),
            selector,
            accept: stream::JSON,
            kick: Arc::new(Notify::new()),
        })
    }

    pub(crate) fn spawn(source: Source) -> Self {
        let inner = Arc::new(Inner::default());
        let task = tokio::spawn(stream::follow(source, inner.clone()));
        Self { inner, task }
    }

    /// The next event.
    pub async fn next(&self) -> WatchEvent {
        self.inner.events.pop().await
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Inner {
    /// The marker must not overtake objects, nor stay before those that came after it: it moves to the end.
    fn say(&self, event: WatchEvent) {
        self.events.push_last(Place::State, event);
    }

    fn tell(&self, object: &RawObject, event: WatchEvent) {
        let place = Place::Object(object.meta.namespace.clone(), object.meta.name.clone());
        self.events.push(place, event, |old, new| *old = new);
    }
}

impl Sink for Inner {
    fn begin(&self) {
        self.known.lock().list += 1;
    }

    fn applied(&self, _: &Head<'_>, object: &[u8], _: Instant) {
        let Some(object) = RawObject::parse(object) else { return };
        let mut known = self.known.lock();
        let list = known.list;
        let name = (object.meta.namespace.clone(), object.meta.name.clone());
        // Only the head is kept: what vanishes unseen is told without its content.
        let head = RawObject::assembled(object.meta.clone(), Arc::from(&b"{}"[..]));
        let before = known.objects.insert(name, (head, list));
        let same = |(old, _): &(RawObject, u32)| {
            old.meta.resource_version == object.meta.resource_version && old.meta.uid == object.meta.uid
        };
        if !before.as_ref().is_some_and(same) {
            self.tell(&object, WatchEvent::Applied(object.clone()));
        }
    }

    fn deleted(&self, _: &Head<'_>, object: &[u8], _: Instant) {
        let Some(object) = RawObject::parse(object) else { return };
        self.known.lock().objects.remove(&(object.meta.namespace.clone(), object.meta.name.clone()));
        self.tell(&object, WatchEvent::Deleted(object.clone()));
    }

    fn end(&self, _: &str) -> Listed {
        let mut known = self.known.lock();
        let list = known.list;
        let gone: Vec<_> = known.objects.extract_if(|_, (_, seen)| *seen != list).collect();
        drop(known);
        for (_, (object, _)) in gone {
            self.tell(&object, WatchEvent::Deleted(object.clone()));
        }
        self.say(WatchEvent::Synced);
        Listed::Complete
    }

    fn passed(&self, _: &str) {}

    fn recovered(&self) {
        self.say(WatchEvent::Synced);
    }

    fn failing(&self, failure: &Failure) {
        self.say(WatchEvent::Failing(failure.clone()));
    }

    fn names(&self) -> Vec<ObjectKey> {
        vec![]
    }
}
