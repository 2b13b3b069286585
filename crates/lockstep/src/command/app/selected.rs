//! `--only`: some of the objects of an Application.

use std::sync::Arc;

use anyhow::Context;
use cluster::{Connection, Discovery};
use lockstep_core::Selection;

use crate::hint::advised;
use crate::reference::{Reference, resource};

/// Finds the kinds of what was typed: `KIND/NAME`, several with commas. The kinds are looked up as kubectl does.
pub(super) async fn selected(connection: &Connection, only: &[String]) -> anyhow::Result<Selection> {
    if only.is_empty() {
        return Ok(Selection::default());
    }
    let discovery = Discovery::load(connection).await.context("cannot ask the API server what it serves")?;
    let catalog = discovery.catalog();
    let mut named = Vec::new();
    for text in only {
        let Reference { kind, name } = Reference::parse(text)?;
        let Some(kind) = kind else {
            return Err(advised(
                format!("'{text}' names no kind"),
                "write KIND/NAME, for example deploy/web",
            ));
        };
        named.push((resource(&catalog, kind)?.gvk.group_kind(), Arc::from(name)));
    }
    Ok(Selection::new(named))
}
