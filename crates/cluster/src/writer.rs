//! Changing objects, one request at a time.

use std::sync::Arc;

use bytes::Bytes;
use lockstep_core::ObjectKey;
use lockstep_core::Propagation;

use crate::connection::{Call, Connection, malformed};
use crate::error::ApiError;
use crate::limiter::{Limiter, Outcome, Priority};
use crate::raw::{Head, RawObject};
use crate::requests::Verb;
use crate::resource::{Resource, encode};
use crate::stream::JSON;

/// Whether a request is a rehearsal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DryRun {
    /// It counts.
    #[default]
    No,
    /// `dryRun=All`: admission and defaults, but nothing is stored.
    Yes,
}

/// Whether an apply takes fields from their owners.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Force {
    /// Conflicts are answered with [`ApiError::Conflict`].
    #[default]
    No,
    /// Fields change hands silently.
    Yes,
}

/// What the server does with unknown and duplicate fields.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FieldValidation {
    /// Drops them.
    Ignore,
    /// Drops them and says so in [`Written::warnings`].
    #[default]
    Warn,
    /// Refuses the request.
    Strict,
}

/// How to apply, create or update.
#[derive(Clone, Debug, Default)]
pub struct ApplyOptions {
    /// The field manager.
    pub manager: Arc<str>,
    /// For applies only.
    pub force: Force,
    /// Rehearsal or not.
    pub dry_run: DryRun,
    /// Unknown fields.
    pub validation: FieldValidation,
}

/// How to delete.
#[derive(Clone, Debug)]
pub struct DeleteOptions {
    /// Only the object with this uid: another one answers [`ApiError::Gone`].
    pub uid: Option<Arc<str>>,
    /// Only in this state: another one answers [`ApiError::Stale`].
    pub resource_version: Option<Arc<str>>,
    /// What becomes of its dependents.
    pub propagation: Propagation,
    /// Rehearsal or not.
    pub dry_run: DryRun,
}

/// A change of a part of an object.
#[derive(Clone, Debug)]
pub enum Patch {
    /// RFC 7386, as JSON text.
    Merge(Bytes),
    /// RFC 6902, as JSON text.
    Json(Bytes),
}

/// What a write left.
#[derive(Clone, Debug)]
pub struct Written {
    /// The object as the server answered it; give it to [`crate::Index::observe_write`].
    pub object: RawObject,
    /// It did not exist before (201).
    pub created: bool,
    /// The server's warnings.
    pub warnings: Vec<Arc<str>>,
}

/// Writes with one priority; clones share connection and limiter.
#[derive(Clone)]
pub struct Writer {
    connection: Connection,
    limiter: Limiter,
    priority: Priority,
}

impl Writer {
    /// A writer with priority [`Priority::Sync`].
    pub fn new(connection: &Connection, limiter: &Limiter) -> Self {
        Self { connection: connection.clone(), limiter: limiter.clone(), priority: Priority::Sync }
    }

    /// The same with another priority.
    pub fn with(&self, priority: Priority) -> Self {
        Self { priority, ..self.clone() }
    }

    /// The connection that it writes through.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Server-side apply. The body is JSON with apiVersion, kind and metadata.name.
    pub async fn apply(
        &self,
        resource: &Resource,
        key: &ObjectKey,
        body: Bytes,
        options: &ApplyOptions,
    ) -> Result<Written, ApiError> {
        let body = ("application/apply-patch+yaml", body);
        self.write(Verb::Apply, (resource, key), resource.object_path(key), body, options).await
    }

    /// Creates an object that must not exist.
    pub async fn create(
        &self,
        resource: &Resource,
        key: &ObjectKey,
        body: Bytes,
        options: &ApplyOptions,
    ) -> Result<Written, ApiError> {
        let path = resource.collection_path(Some(&key.namespace));
        self.write(Verb::Create, (resource, key), path, (JSON, body), options).await
    }

    /// Replaces an object; a resourceVersion in the body is a precondition.
    pub async fn update(
        &self,
        resource: &Resource,
        key: &ObjectKey,
        body: Bytes,
        options: &ApplyOptions,
    ) -> Result<Written, ApiError> {
        self.write(Verb::Update, (resource, key), resource.object_path(key), (JSON, body), options).await
    }

    /// Changes a part of an object, or of its subresource (`status`; empty for the object itself).
    pub async fn patch(
        &self,
        resource: &Resource,
        key: &ObjectKey,
        subresource: &str,
        patch: Patch,
        options: &ApplyOptions,
    ) -> Result<Written, ApiError> {
        let mut path = resource.object_path(key);
        if !subresource.is_empty() {
            path.push('/');
            path.push_str(subresource);
        }
        let body = match patch {
            Patch::Merge(body) => ("application/merge-patch+json", body),
            Patch::Json(body) => ("application/json-patch+json", body),
        };
        self.write(Verb::Patch, (resource, key), path, body, options).await
    }

    /// Asks for deletion. `Some` is the object on its way out (finalizers, foreground); `None`: it is gone.
    pub async fn delete(
        &self,
        resource: &Resource,
        key: &ObjectKey,
        options: &DeleteOptions,
    ) -> Result<Option<RawObject>, ApiError> {
        let mut call = Call::new(Verb::Delete, resource.object_path(key)).on(resource, Some(&key.namespace));
        call.body = delete_body(options);
        call.uid_only = options.uid.is_some() && options.resource_version.is_none();
        call.dry_run = options.dry_run == DryRun::Yes;
        let answer = self.paced(&call).await?;
        // A Status has metadata too, but neither name nor uid.
        let object = Head::parse(&answer.body).filter(|head| head.deleting_since().is_some());
        Ok(object.and_then(|_| RawObject::parse(&answer.body)))
    }

    /// What all writes but deletions have in common.
    async fn write(
        &self,
        verb: Verb,
        (resource, key): (&Resource, &ObjectKey),
        mut path: String,
        (content_type, body): (&'static str, Bytes),
        options: &ApplyOptions,
    ) -> Result<Written, ApiError> {
        query(&mut path, verb, options);
        let mut call = Call::new(verb, path).on(resource, Some(&key.namespace));
        (call.content_type, call.body) = (content_type, body);
        call.dry_run = options.dry_run == DryRun::Yes;
        let answer = self.paced(&call).await?;
        let object = RawObject::parse(&answer.body).ok_or_else(malformed)?;
        Ok(Written { object, created: answer.code == 201, warnings: answer.warnings })
    }

    async fn paced(&self, call: &Call<'_>) -> Result<crate::connection::Answer, ApiError> {
        let permit = self.limiter.acquire(self.priority).await;
        let result = self.connection.fetch(call).await;
        permit.done(match &result {
            Err(ApiError::TooManyRequests { retry_after }) => Outcome::Throttled(*retry_after),
            Err(ApiError::Unavailable { .. }) => Outcome::Lost,
            _ => Outcome::Answered,
        });
        result
    }
}

fn query(path: &mut String, verb: Verb, options: &ApplyOptions) {
    path.push_str("?fieldManager=");
    encode(path, &options.manager);
    path.push_str(match options.validation {
        FieldValidation::Ignore => "&fieldValidation=Ignore",
        FieldValidation::Warn => "&fieldValidation=Warn",
        FieldValidation::Strict => "&fieldValidation=Strict",
    });
    if options.dry_run == DryRun::Yes {
        path.push_str("&dryRun=All");
    }
    if verb == Verb::Apply && options.force == Force::Yes {
        path.push_str("&force=true");
    }
}

fn delete_body(options: &DeleteOptions) -> Bytes {
    #[derive(serde::Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Body<'a> {
        kind: &'static str,
        api_version: &'static str,
        propagation_policy: &'static str,
        #[serde(skip_serializing_if = "Option::is_none")]
        preconditions: Option<Preconditions<'a>>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        dry_run: Vec<&'static str>,
    }
    #[derive(serde::Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Preconditions<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        uid: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        resource_version: Option<&'a str>,
    }
    let (uid, resource_version) = (options.uid.as_deref(), options.resource_version.as_deref());
    let bound = uid.is_some() || resource_version.is_some();
    let body = Body {
        kind: "DeleteOptions",
        api_version: "v1",
        propagation_policy: options.propagation.as_str(),
        preconditions: bound.then_some(Preconditions { uid, resource_version }),
        dry_run: if options.dry_run == DryRun::Yes { vec!["All"] } else { vec![] },
    };
    // Writing to memory cannot fail.
    serde_json::to_vec(&body).unwrap_or_default().into()
}
