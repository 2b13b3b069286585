//! References of a repository, as far as they were asked for.

use gix::ObjectId;

/// One reference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Ref {
    /// The full name, `refs/heads/main`.
    pub(crate) name: String,
    /// What it points to.
    pub(crate) id: ObjectId,
    /// What an annotated tag points to in the end, where the server told.
    pub(crate) peeled: Option<ObjectId>,
}

impl Ref {
    /// The object that should be a commit.
    pub(crate) fn commit(&self) -> ObjectId {
        self.peeled.unwrap_or(self.id)
    }
}

/// References by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Refs {
    refs: Vec<Ref>,
}

impl Refs {
    pub(crate) fn new(mut refs: Vec<Ref>) -> Self {
        refs.sort_by(|a, b| a.name.cmp(&b.name));
        refs.dedup_by(|a, b| a.name == b.name);
        Self { refs }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Ref> {
        let index = self.refs.binary_search_by(|r| (*r.name).cmp(name)).ok()?;
        self.refs.get(index)
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Ref> {
        self.refs.iter()
    }

    /// The tags with their short names.
    pub(crate) fn tags(&self) -> impl Iterator<Item = (&str, &Ref)> {
        self.refs.iter().filter_map(|r| Some((r.name.strip_prefix("refs/tags/")?, r)))
    }
}
