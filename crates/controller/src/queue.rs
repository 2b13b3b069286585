//! Which Applications want a reconcile, and when.
//!
//! One Application runs at most once at a time; what arrives meanwhile makes it run again. Causes that make a running plan
//! obsolete raise its fence, so that it stops at its next step.
//!
//! Heals and what users asked for go first, but not always: after [`IN_A_ROW`] of them one of the others has its turn, so that an
//! Application which is written to without end keeps nobody from being reconciled. Each line is first come, first served.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use lockstep_core::AppKey;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::Instant;

/// So many urgent runs are begun before one of the others, where some wait.
const IN_A_ROW: u32 = 8;

/// Why an Application is to be reconciled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    /// A live object of it changed. First in line: a heal is short and somebody waits for it.
    Live,
    /// Its spec, Project or credentials changed, or it is being deleted.
    Spec,
    /// Its source has another revision, or another reachability.
    Revision,
    /// A user asked: sync, refresh or approve.
    Request,
    /// Something that it waited for came about.
    Resume,
    /// Its timer ran out.
    Timer,
}

impl Cause {
    /// Whether a plan that is under way is obsolete now.
    fn preempts(self) -> bool {
        matches!(self, Self::Spec | Self::Revision | Self::Request)
    }

    /// Whether somebody waits for it.
    fn is_urgent(self) -> bool {
        matches!(self, Self::Live | Self::Request)
    }
}

/// The set of causes of one run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Causes(u8);

impl Causes {
    fn add(&mut self, cause: Cause) {
        self.0 |= 1 << cause as u8;
    }

    /// Whether `cause` is among them.
    pub(crate) fn has(self, cause: Cause) -> bool {
        self.0 & (1 << cause as u8) != 0
    }

    fn are_urgent(self) -> bool {
        self.has(Cause::Live) || self.has(Cause::Request)
    }
}

/// Tells a running plan that it is obsolete.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fence(Arc<AtomicBool>);

impl Fence {
    /// Whether a newer spec, revision or request has come since the run began.
    pub(crate) fn is_raised(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// One run to make.
#[derive(Debug)]
pub(crate) struct Job {
    /// Which Application.
    pub(crate) app: AppKey,
    /// Why.
    pub(crate) causes: Causes,
    /// Since when the oldest cause waits.
    pub(crate) since: Instant,
    /// Raised once this run is obsolete.
    pub(crate) fence: Fence,
}

#[derive(Default)]
struct Slot {
    waiting: Option<(Causes, Instant)>,
    running: Option<Fence>,
    timer: Option<Instant>,
    place: Option<Place>,
}

/// Where in which line an Application stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    urgent: bool,
    number: u64,
}

/// Applications by their number.
type Line = BTreeMap<u64, AppKey>;

#[derive(Default)]
struct Inner {
    urgent: Line,
    normal: Line,
    /// The number of the next one that comes.
    next: u64,
    /// Urgent ones in a row that were begun while others waited.
    row: u32,
    slots: HashMap<AppKey, Slot>,
    timers: BTreeSet<(Instant, AppKey)>,
}

/// The queue of Applications and their timers.
#[derive(Default)]
pub(crate) struct Queue {
    inner: Mutex<Inner>,
    wake: Notify,
}

impl Queue {
    /// Asks for a run of `app`.
    pub(crate) fn mark(&self, app: &AppKey, cause: Cause, now: Instant) {
        self.inner.lock().mark(app, cause, now);
        self.wake.notify_one();
    }

    /// Asks for a run at `at` at the latest; an earlier wish stands.
    pub(crate) fn wake_at(&self, app: &AppKey, at: Instant) {
        self.inner.lock().set_timer(app, at);
        self.wake.notify_one();
    }

    /// Forgets an Application that is gone, once it does not run any more.
    pub(crate) fn forget(&self, app: &AppKey) {
        let mut inner = self.inner.lock();
        if let Some(timer) = inner.slots.get_mut(app).and_then(|slot| slot.timer.take()) {
            inner.timers.remove(&(timer, app.clone()));
        }
        if inner.slots.get(app).is_some_and(|slot| slot.running.is_none() && slot.waiting.is_none()) {
            inner.slots.remove(app);
        }
    }

    /// The next run to make; waits for one. [`Queue::done`] must be called after it.
    pub(crate) async fn next(&self) -> Job {
        loop {
            let timer = {
                let mut inner = self.inner.lock();
                inner.fire(Instant::now());
                if let Some(job) = inner.take() {
                    return job;
                }
                inner.timers.first().map(|(at, _)| *at)
            };
            match timer {
                Some(at) => drop(tokio::time::timeout_at(at, self.wake.notified()).await),
                None => self.wake.notified().await,
            }
        }
    }

    /// The run of `app` ended; what came meanwhile makes it due again.
    pub(crate) fn done(&self, app: &AppKey) {
        self.inner.lock().done(app);
        self.wake.notify_one();
    }

    /// Makes every running plan stop at its next step: the process ends.
    pub(crate) fn raise_all(&self) {
        for fence in self.inner.lock().slots.values().filter_map(|slot| slot.running.as_ref()) {
            fence.0.store(true, Ordering::Release);
        }
    }

    /// How many Applications wait or run.
    pub(crate) fn depth(&self) -> usize {
        let inner = self.inner.lock();
        inner.slots.values().filter(|slot| slot.waiting.is_some() || slot.running.is_some()).count()
    }
}

impl Inner {
    fn mark(&mut self, app: &AppKey, cause: Cause, now: Instant) {
        let slot = self.slots.entry(app.clone()).or_default();
        slot.waiting.get_or_insert((Causes::default(), now)).0.add(cause);
        match &slot.running {
            Some(fence) if cause.preempts() => fence.0.store(true, Ordering::Release),
            Some(_) => {}
            None => self.line_up(app, cause.is_urgent()),
        }
    }

    /// Gives an Application its place. One that has become urgent leaves the place that it had; nobody loses one by less.
    fn line_up(&mut self, app: &AppKey, urgent: bool) {
        let Some(slot) = self.slots.get_mut(app) else { return };
        match slot.place {
            Some(place) if place.urgent || !urgent => return,
            Some(place) => drop(self.normal.remove(&place.number)),
            None => {}
        }
        let place = Place { urgent, number: self.next };
        slot.place = Some(place);
        self.next += 1;
        let line = if urgent { &mut self.urgent } else { &mut self.normal };
        line.insert(place.number, app.clone());
    }

    fn set_timer(&mut self, app: &AppKey, at: Instant) {
        let slot = self.slots.entry(app.clone()).or_default();
        if slot.timer.is_some_and(|timer| timer <= at) {
            return;
        }
        if let Some(old) = slot.timer.replace(at) {
            self.timers.remove(&(old, app.clone()));
        }
        self.timers.insert((at, app.clone()));
    }

    fn fire(&mut self, now: Instant) {
        while let Some((at, app)) = self.timers.first().cloned() {
            if at > now {
                return;
            }
            self.timers.pop_first();
            if let Some(slot) = self.slots.get_mut(&app) {
                slot.timer = None;
            }
            self.mark(&app, Cause::Timer, now);
        }
    }

    fn take(&mut self) -> Option<Job> {
        let app = self.first_in_line()?;
        let slot = self.slots.get_mut(&app)?;
        slot.place = None;
        let (causes, since) = slot.waiting.take()?;
        let fence = Fence::default();
        slot.running = Some(fence.clone());
        Some(Job { app, causes, since, fence })
    }

    fn first_in_line(&mut self) -> Option<AppKey> {
        let passed_over = !self.normal.is_empty() && self.row >= IN_A_ROW;
        if !passed_over && let Some((_, app)) = self.urgent.pop_first() {
            self.row = if self.normal.is_empty() { 0 } else { self.row + 1 };
            return Some(app);
        }
        self.row = 0;
        self.normal.pop_first().map(|(_, app)| app)
    }

    fn done(&mut self, app: &AppKey) {
        let Some(slot) = self.slots.get_mut(app) else { return };
        slot.running = None;
        match slot.waiting {
            Some((causes, _)) => self.line_up(app, causes.are_urgent()),
            None if slot.timer.is_none() => drop(self.slots.remove(app)),
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn app(name: &str) -> AppKey {
        AppKey::new("ns", name)
    }

    fn take(queue: &Queue) -> Option<Job> {
        let mut inner = queue.inner.lock();
        inner.fire(Instant::now());
        inner.take()
    }

    #[tokio::test]
    async fn marks_of_a_waiting_application_are_one_run() {
        let queue = Queue::default();
        queue.mark(&app("a"), Cause::Spec, Instant::now());
        queue.mark(&app("a"), Cause::Revision, Instant::now());
        let job = queue.next().await;
        assert!(
            job.causes.has(Cause::Spec) && job.causes.has(Cause::Revision) && !job.causes.has(Cause::Live)
        );
        queue.done(&job.app);
        assert!(take(&queue).is_none());
        assert_eq!(queue.depth(), 0);
    }

    #[tokio::test]
    async fn a_running_application_runs_again_after_and_only_a_newer_wish_raises_its_fence() {
        for (cause, raised) in [(Cause::Live, false), (Cause::Revision, true), (Cause::Resume, false)] {
            let queue = Queue::default();
            queue.mark(&app("a"), Cause::Spec, Instant::now());
            let job = queue.next().await;
            queue.mark(&app("a"), cause, Instant::now());
            assert!(take(&queue).is_none(), "never twice at a time");
            assert_eq!(job.fence.is_raised(), raised, "{cause:?}");
            queue.done(&job.app);
            let again = queue.next().await;
            assert!(again.causes.has(cause) && !again.fence.is_raised());
        }
    }

    #[tokio::test]
    async fn the_end_stops_every_run() {
        let queue = Queue::default();
        queue.mark(&app("a"), Cause::Live, Instant::now());
        let job = queue.next().await;
        queue.raise_all();
        assert!(job.fence.is_raised());
    }

    #[tokio::test]
    async fn live_changes_go_first() {
        let queue = Queue::default();
        queue.mark(&app("a"), Cause::Timer, Instant::now());
        queue.mark(&app("b"), Cause::Timer, Instant::now());
        queue.mark(&app("b"), Cause::Live, Instant::now());
        assert_eq!(queue.next().await.app, app("b"));
        assert_eq!(queue.next().await.app, app("a"));
        queue.done(&app("a"));
        queue.done(&app("b"));
        assert!(take(&queue).is_none());
    }

    #[test]
    fn what_a_user_asks_for_passes_what_waits_in_the_background() {
        for cause in [Cause::Request, Cause::Live] {
            let queue = Queue::default();
            for name in ["a", "b", "c"] {
                queue.mark(&app(name), Cause::Timer, Instant::now());
            }
            queue.mark(&app("c"), cause, Instant::now());
            let order: Vec<_> = std::iter::from_fn(|| take(&queue)).map(|job| job.app).collect();
            assert_eq!(order, [app("c"), app("a"), app("b")], "{cause:?}");
            let inner = queue.inner.lock();
            assert!(inner.urgent.is_empty() && inner.normal.is_empty(), "nobody stands in two lines");
        }
    }

    #[test]
    fn a_wish_that_comes_during_a_run_is_urgent_after_it() {
        let queue = Queue::default();
        queue.mark(&app("a"), Cause::Timer, Instant::now());
        let job = take(&queue).unwrap();
        queue.mark(&app("b"), Cause::Timer, Instant::now());
        queue.mark(&app("a"), Cause::Request, Instant::now());
        queue.done(&job.app);
        assert_eq!(take(&queue).unwrap().app, app("a"));
    }

    #[test]
    fn nobody_starves() {
        let queue = Queue::default();
        let names: Vec<String> = (0..3).map(|i| format!("live{i}")).collect();
        names.iter().for_each(|name| queue.mark(&app(name), Cause::Live, Instant::now()));
        queue.mark(&app("quiet"), Cause::Revision, Instant::now());
        let mut turns = 0;
        loop {
            let job = take(&queue).unwrap();
            if job.app == app("quiet") {
                break;
            }
            turns += 1;
            // It is written to again as soon as it was healed.
            queue.mark(&job.app, Cause::Live, Instant::now());
            queue.done(&job.app);
        }
        assert_eq!(turns, IN_A_ROW);
        // Among the urgent ones it is each one's turn.
        let next: Vec<_> = (0..3).map(|_| take(&queue).unwrap().app).collect();
        assert_eq!(next.iter().collect::<BTreeSet<_>>().len(), 3);
    }

    #[tokio::test(start_paused = true)]
    async fn the_earliest_timer_wakes() {
        let (queue, start) = (Queue::default(), Instant::now());
        queue.wake_at(&app("a"), start + Duration::from_secs(9));
        queue.wake_at(&app("a"), start + Duration::from_secs(5));
        queue.wake_at(&app("a"), start + Duration::from_secs(7));
        let job = queue.next().await;
        assert!(job.causes.has(Cause::Timer));
        assert_eq!(start.elapsed().as_secs(), 5);
        queue.done(&job.app);
        assert_eq!(queue.depth(), 0);
    }

    #[tokio::test]
    async fn a_forgotten_application_leaves_nothing() {
        let queue = Queue::default();
        queue.wake_at(&app("a"), Instant::now() + Duration::from_secs(60));
        queue.forget(&app("a"));
        let inner = queue.inner.lock();
        assert!(inner.slots.is_empty() && inner.timers.is_empty());
    }
}
