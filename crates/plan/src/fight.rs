//! Controllers that write over each other.

use std::sync::Arc;
use std::time::Duration;

use diff::DriftedField;
use lockstep_core::FieldPath;

use crate::input::Millis;
use crate::report::Drift;

/// So many heals of one field against one manager are answered at once; the next ones wait.
const PATIENCE: u32 = 3;
/// Heals further apart than this are no fight.
const WINDOW: Duration = Duration::from_secs(60);
/// The first pause and the longest one; each is twice the one before.
const PAUSES: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(300));

/// The heals of one object that followed each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fight {
    /// The manager that takes the field, if the managedFields named one.
    pub manager: Option<Arc<str>>,
    /// The field.
    pub path: FieldPath,
    /// How many times it was taken back in a row.
    pub heals: u32,
    /// When it was last taken back.
    pub healed: Millis,
    /// The next heal waits for this.
    pub not_before: Millis,
}

impl Fight {
    /// The state after a heal that really wrote (its apply returned a new resourceVersion). `None`: nothing to remember.
    pub fn after_heal(previous: Option<&Self>, drift: &Drift, now: Millis) -> Option<Self> {
        let (path, manager) = Self::contested(previous, drift)?;
        let again = previous.filter(|fight| fight.is_same(&path, manager.as_ref()) && !fight.is_over(now));
        let heals = again.map_or(0, |fight| fight.heals).saturating_add(1);
        Some(Self { manager, path, heals, healed: now, not_before: now.after(pause(heals)) })
    }

    /// Whether the last heal is so long ago that the next drift is a new story.
    pub fn is_over(&self, now: Millis) -> bool {
        now > self.ends()
    }

    /// The last moment at which this is told as a fight, if nothing happens until then.
    pub fn ends(&self) -> Millis {
        self.not_before.after(WINDOW)
    }

    /// Whether this is a fight that the Application's conditions should tell.
    pub fn is_fighting(&self, now: Millis) -> bool {
        self.heals > PATIENCE && !self.is_over(now)
    }

    /// Whether a heal of this drift has to wait.
    pub(crate) fn holds(&self, drift: &Drift, now: Millis) -> bool {
        self.is_fighting(now)
            && now < self.not_before
            && Self::contested(Some(self), drift).is_some_and(|(path, by)| self.is_same(&path, by.as_ref()))
    }

    fn is_same(&self, path: &FieldPath, manager: Option<&Arc<str>>) -> bool {
        self.path == *path && self.manager.as_ref() == manager
    }

    /// The field to remember: the one of the fight under way if it was taken again, else the first.
    fn contested(previous: Option<&Self>, drift: &Drift) -> Option<(FieldPath, Option<Arc<str>>)> {
        let of =
            |field: &DriftedField| (field.path.clone(), field.by.as_ref().map(|actor| actor.manager.clone()));
        match drift {
            Drift::Fields(fields) => {
                let again = |(path, by): &(FieldPath, Option<Arc<str>>)| {
                    previous.is_some_and(|fight| fight.is_same(path, by.as_ref()))
                };
                fields.iter().map(of).find(again).or_else(|| fields.first().map(of))
            }
            Drift::Deleted | Drift::Replaced => Some((FieldPath::default(), None)),
            Drift::Undecided => None,
        }
    }
}

fn pause(heals: u32) -> Duration {
    let (first, longest) = PAUSES;
    match heals.checked_sub(PATIENCE + 1) {
        None => Duration::ZERO,
        Some(exponent) => first.saturating_mul(2u32.saturating_pow(exponent.min(16))).min(longest),
    }
}
