//! Which commit made a difference.

use lockstep_core::{Commit, CommitId};

use crate::Snapshot;
use crate::commit::{Node, object_id};

/// Commits looked at before the walk settles for what it has.
const COMMITS: usize = 1000;

impl Snapshot {
    /// The last commit after `old` that changed what `is_same` looks at, as git's own history simplification finds it: at
    /// a merge the walk goes on with the parent that looks the same.
    ///
    /// `is_same` tells whether a snapshot shows the same as this one. `None` if `old` does. History is shallow: where it
    /// ends, or after 1000 commits, the oldest commit that is known to look the same stands in.
    pub fn last_change(&self, old: &CommitId, is_same: &dyn Fn(&Snapshot) -> bool) -> Option<Commit> {
        let old = object_id(old).and_then(|id| self.at(id));
        if old.is_some_and(|(_, snapshot)| is_same(&snapshot)) {
            return None;
        }
        let mut node = self.objects.commit(object_id(&self.commit().id)?)?;
        for _ in 0..COMMITS {
            let parents = node.parents.iter().filter_map(|id| self.at(*id));
            match parents.into_iter().find(|(_, snapshot)| is_same(snapshot)) {
                Some((parent, _)) => node = parent,
                None => break,
            }
        }
        Some(node.commit)
    }

    /// Another commit of the same database, where it is present.
    fn at(&self, id: gix::ObjectId) -> Option<(Node, Snapshot)> {
        let node = self.objects.commit(id)?;
        let snapshot = Snapshot::new(self.objects.clone(), node.commit.clone(), node.tree);
        Some((node, snapshot))
    }
}
