//! What plan asks about the world around the Application. All answers are immediate: they come from indexes, never from a request.

use std::sync::Arc;

use lockstep_core::{AppKey, Gvk, Health, LiveObject, ObjectKey};

/// The live objects. Both look-ups must answer from the same state within one call of [`crate::plan`].
pub trait LiveSet {
    /// A cheap look at an object: must not parse it. Asked once for every object.
    fn glance(&self, key: &ObjectKey, gvk: &Gvk) -> Glance;
    /// The whole object, asked only where something changed. `gvk` is the version whose FieldsV1 are wanted.
    fn get(&self, key: &ObjectKey, gvk: &Gvk) -> Live;
    /// How well an object is. Asked only of objects that a later wave waits for.
    fn health(&self, key: &ObjectKey, gvk: &Gvk) -> Health;
    /// The state of a namespace.
    fn namespace(&self, name: &str) -> NamespaceState;
    /// Whether a live HorizontalPodAutoscaler targets this object.
    fn is_autoscaled(&self, key: &ObjectKey) -> bool;
}

/// What a look at an object shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Glance {
    /// It is there.
    Present {
        /// `metadata.uid`.
        uid: Arc<str>,
        /// `metadata.resourceVersion`, compared for equality only.
        resource_version: Arc<str>,
        /// `metadata.deletionTimestamp` is set.
        deleting: bool,
    },
    /// It is certainly not there.
    Absent,
    /// It could not be told, for example because the watch may not list. Never read as absent.
    Unknown(Arc<str>),
}

/// A live object, or why there is none.
#[derive(Clone, Debug)]
pub enum Live {
    /// It is there.
    Present(Box<LiveObject>),
    /// It is certainly not there.
    Absent,
    /// It could not be told. Never read as absent.
    Unknown(Arc<str>),
}

/// What is known of a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamespaceState {
    /// Objects can be made in it.
    Active,
    /// It is on its way out: nothing can be made in it.
    Terminating,
    /// It is certainly not there.
    Missing,
    /// Not known (namespaces may not be listed): the API server will say.
    Unknown,
}

/// Which kinds the API server serves.
pub trait Kinds {
    /// Whether a version of a kind is served.
    fn serving(&self, gvk: &Gvk) -> Serving;
}

/// Whether a kind is served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Serving {
    /// It is, in this version.
    Served,
    /// It is, but not in this version: in that one.
    OtherVersion(Gvk),
    /// Discovery answered, and the kind is not served.
    NotServed,
    /// Discovery of its group fails: nothing can be told. Never read as not served.
    GroupFailing(Arc<str>),
}

/// What the other Applications of the installation want.
pub trait Claims {
    /// The Applications other than `except` that desire an object: those that are not being deleted, as of the newest commit that
    /// each of them rendered without errors. Asked once for every object, so the usual answer, none, must be cheap.
    fn claims(&self, key: &ObjectKey, except: &AppKey) -> Vec<Claim>;
    /// The Applications that share a repository with this one and have not rendered its newest commit, or could not: an object
    /// that left this Application may be about to appear there.
    fn unrendered(&self, app: &AppKey) -> Vec<Unrendered>;
}

/// That another Application desires an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Which one.
    pub app: AppKey,
    /// How strong its claim is.
    pub standing: Standing,
}

/// How strong the claim of an Application on an object is, from weakest to strongest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// It desires the object and is not acted on: it is suspended, or refused. It takes nothing from anybody, but what others let go
    /// of is left to it.
    Idle,
    /// It desires the object as of an older commit than the newest one of a repository it shares with us: it may be giving it up.
    Stale,
    /// It desires the object and has not applied it.
    Desired,
    /// It desires the object and has a record of having applied it.
    Recorded,
}

/// An Application whose render is outstanding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unrendered {
    /// Which one.
    pub app: AppKey,
    /// Its render of the newest commit failed (else it is still to come).
    pub failed: bool,
}
