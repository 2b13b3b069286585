//! How many replicas each ReplicaSet gets.

use lockstep_core::Value;

use super::{Rollout, revision};
use crate::client::{Context, Refused};
use crate::kind::Kind;
use crate::object::{name, number, text};

/// A number, or a percentage of `total`.
pub(crate) fn portion(value: Option<&Value>, total: i64, rounding: Rounding) -> i64 {
    let Some(value) = value else { return 0 };
    let percent = value.as_str().and_then(|text| text.strip_suffix('%')?.parse::<i64>().ok());
    match percent {
        Some(percent) => match rounding {
            Rounding::Up => (percent * total + 99).div_euclid(100),
            Rounding::Down => (percent * total).div_euclid(100),
        },
        None => value.as_int().unwrap_or(0),
    }
}

/// What becomes of a part of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rounding {
    Up,
    Down,
}

pub(super) fn wants(set: &Value) -> i64 {
    number(set, &["spec", "replicas"])
}

pub(super) fn available(set: &Value) -> i64 {
    number(set, &["status", "availableReplicas"])
}

impl Rollout {
    fn is_rolling(&self) -> bool {
        text(&self.deployment, &["spec", "strategy", "type"]) != "Recreate"
    }

    /// How many pods there may be too many, and too few, during a rollout.
    fn slack(&self) -> (i64, i64) {
        let part = |key| self.deployment.at(&["spec", "strategy", "rollingUpdate", key]);
        let surge = portion(part("maxSurge"), self.wanted(), Rounding::Up);
        let unavailable = portion(part("maxUnavailable"), self.wanted(), Rounding::Down);
        // Else nothing could ever be replaced.
        (surge, if surge == 0 && unavailable == 0 { 1 } else { unavailable })
    }

    pub(super) fn max_surge(&self) -> i64 {
        if self.is_rolling() { self.slack().0 } else { 0 }
    }

    pub(super) fn max_unavailable(&self) -> i64 {
        if !self.is_rolling() || self.wanted() == 0 { 0 } else { self.slack().1.min(self.wanted()) }
    }

    /// How many replicas the ReplicaSet of the present template is to have now.
    pub(super) fn new_size(&self) -> i64 {
        let has = self.new.as_ref().map_or(0, wants);
        if !self.is_rolling() {
            return self.wanted();
        }
        let all: i64 = self.sets().map(wants).sum();
        let most = self.wanted() + self.max_surge();
        if all >= most {
            return has;
        }
        has + (most - all).min(self.wanted() - has)
    }

    /// Gives a ReplicaSet a size; whether that is another than it had.
    pub(super) fn resize(&self, set: &mut Value, size: i64, cx: &mut Context<'_>) -> Result<bool, Refused> {
        let before = wants(set);
        if before == size {
            return Ok(false);
        }
        self.write_size(set, size, cx)
    }

    fn write_size(&self, set: &mut Value, size: i64, cx: &mut Context<'_>) -> Result<bool, Refused> {
        let before = wants(set);
        let mut after = set.clone();
        let news = revision::tell_size(&mut after, self.wanted(), self.wanted() + self.max_surge());
        after.set(&["spec", "replicas"], size.into());
        if before == size && !news {
            return Ok(false);
        }
        *set = cx.update(Kind::REPLICA_SETS, &after)?;
        if before != size {
            let way = if size > before { "up" } else { "down" };
            let message = format!("Scaled {way} replica set {} from {before} to {size}", name(set));
            cx.normal(&self.deployment, "ScalingReplicaSet", &message);
        }
        Ok(before != size)
    }

    /// Gives one ReplicaSet a size, also one whose size is right but that was told of another.
    fn settle(&mut self, place: Place, size: i64, cx: &mut Context<'_>) -> Result<(), Refused> {
        let Some(mut set) = self.at(place).cloned() else { return Ok(()) };
        self.write_size(&mut set, size, cx)?;
        match place {
            Place::New => self.new = Some(set),
            Place::Old(index) => self.old[index] = set,
        }
        Ok(())
    }

    fn at(&self, place: Place) -> Option<&Value> {
        match place {
            Place::New => self.new.as_ref(),
            Place::Old(index) => self.old.get(index),
        }
    }

    fn places(&self) -> Vec<Place> {
        let old = (0..self.old.len()).map(Place::Old);
        old.chain(self.new.is_some().then_some(Place::New)).collect()
    }

    /// Whether the ReplicaSet of the present template has all the replicas that are wanted.
    fn is_saturated(&self) -> bool {
        self.new.as_ref().is_some_and(|set| {
            revision::desired(set) == Some(self.wanted())
                && wants(set) == self.wanted()
                && available(set) == self.wanted()
        })
    }

    /// Follows a change of how many replicas are wanted, without moving on with a rollout.
    pub(super) fn scale(&mut self, cx: &mut Context<'_>) -> Result<(), Refused> {
        let active: Vec<Place> = self
            .places()
            .into_iter()
            .filter(|place| self.at(*place).is_some_and(|set| wants(set) > 0))
            .collect();
        let only = match active[..] {
            [] => self.places().pop(),
            [only] => Some(only),
            _ => None,
        };
        if let Some(place) = only {
            // One of the right size is left as it is.
            if self.at(place).is_some_and(|set| wants(set) == self.wanted()) {
                return Ok(());
            }
            return self.settle(place, self.wanted(), cx);
        }
        if self.is_saturated() {
            for place in active.into_iter().filter(|place| *place != Place::New) {
                self.settle(place, 0, cx)?;
            }
            return Ok(());
        }
        if self.is_rolling() { self.spread(active, cx) } else { Ok(()) }
    }

    /// Several ReplicaSets share what is added or taken away, by their sizes.
    fn spread(&mut self, mut active: Vec<Place>, cx: &mut Context<'_>) -> Result<(), Refused> {
        let size = |rollout: &Self, place: Place| rollout.at(place).map_or(0, wants);
        let all: i64 = active.iter().map(|place| size(self, *place)).sum();
        let allowed = if self.wanted() > 0 { self.wanted() + self.max_surge() } else { 0 };
        let add = allowed - all;
        let grows = add > 0;
        // The largest first; of equals, the newest where it grows, the oldest where it shrinks.
        active.sort_by_key(|place| {
            let age = match place {
                Place::New => self.old.len(),
                Place::Old(index) => *index,
            };
            (-size(self, *place), if grows { -crate::object::count(age) } else { crate::object::count(age) })
        });
        let mut added = 0;
        let mut sizes: Vec<(Place, i64)> = Vec::new();
        for place in active {
            let set = self.at(place).cloned().unwrap_or_default();
            let left = add - added;
            let part = if add == 0 { 0 } else { self.share(&set, left, allowed) };
            sizes.push((place, wants(&set) + part));
            added += part;
        }
        if let Some((_, first)) = sizes.first_mut() {
            *first = (*first + add - added).max(0);
        }
        for (place, size) in sizes {
            self.settle(place, size, cx)?;
        }
        Ok(())
    }

    /// What part of a change falls to a ReplicaSet.
    fn share(&self, set: &Value, left: i64, allowed: i64) -> i64 {
        if wants(set) == 0 || left == 0 {
            return 0;
        }
        let before = revision::maximum(set)
            .filter(|max| *max > 0)
            .unwrap_or_else(|| number(&self.deployment, &["status", "replicas"]));
        let fraction = match self.wanted() {
            0 => -wants(set),
            // Rounded half away from zero, as Go does.
            _ if before > 0 => (2 * wants(set) * allowed + before).div_euclid(2 * before) - wants(set),
            _ => 0,
        };
        if left > 0 { fraction.min(left) } else { fraction.max(left) }
    }
}

/// One ReplicaSet of a rollout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    New,
    Old(usize),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn portions_are_rounded_as_told() {
        let check =
            |value: Value, total, rounding, want| assert_eq!(portion(Some(&value), total, rounding), want);
        check("25%".into(), 3, Rounding::Up, 1);
        check("25%".into(), 3, Rounding::Down, 0);
        check("100%".into(), 3, Rounding::Down, 3);
        check("0%".into(), 3, Rounding::Up, 0);
        check(2.into(), 3, Rounding::Up, 2);
        assert_eq!(portion(None, 3, Rounding::Up), 0);
    }
}
