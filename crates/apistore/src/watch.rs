//! Watching: what happens to objects, told as it happens.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use lockstep_core::Value;

use crate::answers::Ask;
use crate::call::{Call, Outcome, Shown};
use crate::convert::decode;
use crate::demand::Answers;
use crate::entry::{Entry, kind_first};
use crate::failure::{Failure, Halt};
use crate::options::{ListOptions, parse_version};
use crate::read::{self, Filter, is_shown_as_stored};
use crate::response::{EventType, WatchEvent};
use crate::served::Served;
use crate::shelf::Past;
use crate::state::State;

/// How often a watch that wants them gets bookmarks, and how long before its end the last one.
const BOOKMARKS: Duration = Duration::from_secs(60);
const LAST_BOOKMARK: Duration = Duration::from_secs(2);
/// How long a watch lasts at least that sets no time.
const LASTS: u64 = 1800;

const INITIAL_EVENTS_END: &str = "k8s.io/initial-events-end";

/// A watch between two polls.
#[derive(Clone, Debug)]
pub struct Watch {
    served: Arc<Served>,
    filter: Filter,
    /// What keys begin with: the namespace.
    prefix: String,
    /// The version that was told last.
    told: u64,
    start: Start,
    /// What was there when the watch began and is yet to be told.
    initial: VecDeque<(Arc<str>, Arc<Entry>)>,
    bookmark: Option<Duration>,
    deadline: Duration,
    ended: bool,
}

/// What is to be told first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Start {
    /// All objects that are there.
    Objects,
    /// All objects that are there, and that these were all.
    ObjectsAndMark,
    /// The rest of them, that were there in the version that was told.
    Rest {
        mark: bool,
    },
    Done,
}

/// Begins a watch.
pub(crate) fn watch(state: &State, call: &mut Call<'_>) -> Result<Outcome, Halt> {
    let mut options = ListOptions::read(call.request, true)?;
    read::check_fields(&call.served, &options.fields)?;
    read::name_as_field(&call.info.name, &mut options.fields)?;
    let version = parse_version(&options.resource_version).map_err(Failure::unknown)?;
    let start = match options.initial_events {
        Some(true) if options.bookmarks => Start::ObjectsAndMark,
        Some(true) => Start::Objects,
        _ => Start::Done,
    };
    let filter = Filter { labels: options.labels, fields: options.fields };
    let namespace = match call.namespace() {
        "" if call.served.resource.namespaced => {
            filter.fields.exact("metadata.namespace").unwrap_or_default()
        }
        namespace => namespace,
    };
    let seconds = match options.timeout.and_then(|seconds| u64::try_from(seconds).ok()) {
        None | Some(0) => LASTS + call.chance.below(LASTS),
        Some(seconds) => seconds,
    };
    let deadline = call.now + Duration::from_secs(seconds);
    let watch = Watch {
        prefix: if namespace.is_empty() { String::new() } else { format!("{namespace}/") },
        served: call.served.clone(),
        filter,
        told: if version == 0 { state.revision } else { version },
        start,
        initial: VecDeque::new(),
        bookmark: options.bookmarks.then(|| next_bookmark(call.now, deadline)),
        deadline,
        ended: false,
    };
    Ok(Outcome::read(Shown::Watch(Box::new(watch))))
}

fn next_bookmark(now: Duration, deadline: Duration) -> Duration {
    let last = deadline.saturating_sub(LAST_BOOKMARK);
    let next = now + BOOKMARKS;
    if last > now && last < next { last } else { next }
}

impl Watch {
    /// What has happened since the last poll, of what was there before at most so much; `None` once it has ended.
    pub(crate) fn poll(&mut self, state: &State, now: Duration, most: usize) -> Option<Vec<WatchEvent>> {
        if self.ended || now >= self.deadline {
            self.ended = true;
            return None;
        }
        let mut events = Vec::new();
        self.begin(state);
        if let Start::Rest { mark } = self.start {
            self.tell_initial(state, most, &mut events);
            if !self.initial.is_empty() {
                return Some(events);
            }
            if mark {
                events.push(self.mark(self.told, true));
            }
            self.start = Start::Done;
        }
        self.changes(state, &mut events);
        self.ended |= !self.is_served(state);
        if self.bookmark.is_some_and(|at| now >= at) && !self.ended {
            events.push(self.mark(state.revision, false));
            self.bookmark = Some(next_bookmark(now, self.deadline));
        }
        Some(events)
    }

    /// A watch ends with the definition of its kind.
    fn is_served(&self, state: &State) -> bool {
        let resource = &self.served.resource;
        state.catalog.get(&resource.group, &resource.version, &resource.plural).is_some()
    }

    /// When the watch has something to say even if nothing happens.
    pub(crate) fn wakes_at(&self) -> Duration {
        self.bookmark.map_or(self.deadline, |at| at.min(self.deadline))
    }

    /// Notes what is there: it is told piece by piece, and the changes after that version once it is told.
    fn begin(&mut self, state: &State) {
        let mark = match self.start {
            Start::Objects => false,
            Start::ObjectsAndMark => true,
            Start::Rest { .. } | Start::Done => return,
        };
        let shelf = state.shelf(&self.served.shelf).into_iter();
        let objects = shelf.flat_map(|shelf| shelf.range(&self.prefix));
        self.initial = objects.map(|(key, entry)| (key.clone(), entry.clone())).collect();
        self.told = state.revision;
        self.start = Start::Rest { mark };
    }

    fn tell_initial(&mut self, state: &State, most: usize, events: &mut Vec<WatchEvent>) {
        while events.len() < most
            && let Some((key, entry)) = self.initial.pop_front()
        {
            if self.filter.matches(&self.served, &key, &entry) {
                events.push(self.event(state, EventType::Added, &entry));
            }
        }
    }

    fn changes(&mut self, state: &State, events: &mut Vec<WatchEvent>) {
        let Some(shelf) = state.shelf(&self.served.shelf) else { return };
        let Some(pasts) = shelf.after(self.told) else {
            let (told, oldest) = (self.told, shelf.forgotten());
            let failure = Failure::expired(format!("too old resource version: {told} ({oldest})"));
            events.push(WatchEvent { kind: EventType::Error, object: failure.json() });
            self.ended = true;
            return;
        };
        for past in pasts.filter(|past| past.key.starts_with(&self.prefix)) {
            events.extend(self.told_of(state, past));
        }
        self.told = self.told.max(state.revision);
    }

    /// What an observer of the chosen objects sees of a change.
    fn told_of(&self, state: &State, past: &Past) -> Option<WatchEvent> {
        let matches = |entry: &Entry| self.filter.matches(&self.served, &past.key, entry);
        let before = past.before.as_ref().filter(|entry| matches(entry));
        let now = !past.deleted && matches(&past.now);
        match (before, now) {
            (None, false) => None,
            (None, true) => Some(self.event(state, EventType::Added, &past.now)),
            (Some(_), true) => Some(self.event(state, EventType::Modified, &past.now)),
            (Some(_), false) if past.deleted => Some(self.event(state, EventType::Deleted, &past.now)),
            // It no longer is one of those that are watched: they see what it was, in the version in which it left.
            (Some(before), false) => {
                let left = Entry::write(before.value(), past.revision);
                Some(self.event(state, EventType::Deleted, &left))
            }
        }
    }

    fn event(&self, state: &State, kind: EventType, entry: &Entry) -> WatchEvent {
        if is_shown_as_stored(&self.served) {
            return WatchEvent { kind, object: entry.object.clone() };
        }
        static NONE: Answers = Answers::new();
        let ask = Ask { state, answers: &NONE };
        match decode(&self.served, ask, entry) {
            Ok(object) => WatchEvent { kind, object: kind_first(&object).into() },
            Err(halt) => {
                let failure = match halt {
                    Halt::Failed(failure) => failure,
                    Halt::Need(_) => Failure::internal("a watch cannot wait for a conversion webhook"),
                };
                WatchEvent { kind: EventType::Error, object: failure.json() }
            }
        }
    }

    fn mark(&self, revision: u64, initial: bool) -> WatchEvent {
        let mut object = self.served.empty().clone();
        object.set(&["metadata"], Value::map(lockstep_core::Map::new()));
        object.set(&["metadata", "resourceVersion"], revision.to_string().into());
        if initial {
            object.set(&["metadata", "annotations", INITIAL_EVENTS_END], "true".into());
        }
        WatchEvent { kind: EventType::Bookmark, object: kind_first(&object).into() }
    }
}
