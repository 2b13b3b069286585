//! Lists in pages.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::connection::{Call, Connection, malformed};
use crate::error::ApiError;
use crate::raw::RawObject;
use crate::requests::Verb;
use crate::resource::{Resource, encode};

use super::Selector;

const PAGE: &str = "?limit=500";

/// What to list.
pub(super) struct Query<'a> {
    pub(super) resource: &'a Resource,
    pub(super) namespace: Option<&'a str>,
    pub(super) selector: &'a Selector,
    pub(super) accept: &'static str,
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    metadata: PageMeta<'a>,
    /// Go writes an empty slice as null.
    #[serde(borrow)]
    items: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageMeta<'a> {
    #[serde(borrow, default)]
    resource_version: Cow<'a, str>,
    #[serde(borrow, default, rename = "continue")]
    more: Cow<'a, str>,
}

/// Reads all pages and returns the resourceVersion of the list.
pub(super) async fn pages(
    connection: &Connection,
    query: &Query<'_>,
    mut each: impl FnMut(&RawValue) -> Result<(), ApiError>,
) -> Result<String, ApiError> {
    let mut token = String::new();
    loop {
        let mut call = Call::new(Verb::List, path(query, &token)).on(query.resource, query.namespace);
        call.accept = query.accept;
        let answer = connection.fetch(&call).await?;
        let page: Page<'_> = serde_json::from_slice(&answer.body).map_err(|_| malformed())?;
        page.items.unwrap_or_default().into_iter().try_for_each(&mut each)?;
        if page.metadata.more.is_empty() {
            return Ok(page.metadata.resource_version.into_owned());
        }
        token = page.metadata.more.into_owned();
    }
}

fn path(query: &Query<'_>, token: &str) -> String {
    let mut path = query.resource.collection_path(query.namespace);
    path.push_str(PAGE);
    if !token.is_empty() {
        path.push_str("&continue=");
        encode(&mut path, token);
    }
    select(&mut path, query.selector);
    path
}

pub(super) fn select(path: &mut String, selector: &Selector) {
    for (name, value) in [("&labelSelector=", &selector.labels), ("&fieldSelector=", &selector.fields)] {
        if !value.is_empty() {
            path.push_str(name);
            encode(path, value);
        }
    }
}

/// Reads everything at once. A list that expires between two pages starts again.
pub(crate) async fn list_all(
    connection: &Connection,
    resource: &Resource,
    namespace: Option<&str>,
    selector: &Selector,
) -> Result<Vec<RawObject>, ApiError> {
    let query = Query { resource, namespace, selector, accept: super::JSON };
    loop {
        let mut objects = vec![];
        let collect = |item: &RawValue| {
            objects.push(RawObject::parse(item.get().as_bytes()).ok_or_else(malformed)?);
            Ok(())
        };
        match pages(connection, &query, collect).await {
            Ok(_) => return Ok(objects),
            Err(ApiError::Expired) => (),
            Err(error) => return Err(error),
        }
    }
}
