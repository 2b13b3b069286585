//! Controllers that write over each other.

use std::sync::Arc;
use std::time::Duration;

use lockstep_core::FieldPath;

use crate::input::Millis;
use crate::report::{Drift, Lost};

/// So many heals of one field against one manager are answered at once; the next ones wait.
const PATIENCE: u32 = 3;
/// Heals further apart than this are no fight.
const WINDOW: Duration = Duration::from_secs(60);
/// The first pause and the longest one; each is twice the one before.
const PAUSES: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(300));

/// What one heal took back: who had taken which fields.
pub type Losses = Vec<Lost>;

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
        let lost = Self::contested(previous, drift)?;
        let again = previous.filter(|fight| fight.is_same(&lost) && !fight.is_over(now));
        let heals = again.map_or(0, |fight| fight.heals).saturating_add(1);
        let Lost { path, by } = lost;
        let pause = pause(heals);
        Some(Self { manager: by, path, heals, healed: now, not_before: now.after(pause) })
    }

    /// Whether the last heal is so long ago that the next drift is a new story.
    pub fn is_over(&self, now: Millis) -> bool {
        now > self.not_before.after(WINDOW)
    }

    /// Whether this is a fight that the Application's conditions should tell.
    pub fn is_fighting(&self, now: Millis) -> bool {
        self.heals > PATIENCE && !self.is_over(now)
    }

    /// Whether a heal of this drift has to wait.
    pub(crate) fn holds(&self, drift: &Drift, now: Millis) -> bool {
        self.is_fighting(now)
            && now < self.not_before
            && Self::contested(Some(self), drift).is_some_and(|lost| self.is_same(&lost))
    }

    fn is_same(&self, lost: &Lost) -> bool {
        self.path == lost.path && self.manager == lost.by
    }

    /// The field to remember: the one of the fight under way if it was taken again, else the first.
    fn contested(previous: Option<&Self>, drift: &Drift) -> Option<Lost> {
        match drift {
            Drift::Fields(lost) => {
                let again = lost.iter().find(|lost| previous.is_some_and(|fight| fight.is_same(lost)));
                again.or(lost.first()).cloned()
            }
            Drift::Deleted | Drift::Replaced => Some(Lost { path: FieldPath::default(), by: None }),
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
