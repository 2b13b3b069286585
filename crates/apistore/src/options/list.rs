//! ListOptions, of lists and watches.

use schema::{At, FieldError};

use super::{flag, number, refuse};
use crate::failure::Failure;
use crate::request::Request;
use crate::selector::{FieldSelector, LabelSelector};

/// Whether a list shows exactly a version, or one that is not older.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    Unset,
    Exact,
    NotOlderThan,
}

/// ListOptions.
#[derive(Clone, Debug)]
pub(crate) struct ListOptions {
    pub(crate) labels: LabelSelector,
    pub(crate) fields: FieldSelector,
    pub(crate) bookmarks: bool,
    pub(crate) resource_version: String,
    pub(crate) version_match: Match,
    pub(crate) timeout: Option<i64>,
    pub(crate) limit: u64,
    pub(crate) continue_token: String,
    pub(crate) initial_events: Option<bool>,
}

impl ListOptions {
    pub(crate) fn read(request: &Request, is_watch: bool) -> Result<Self, Failure> {
        let text = |name| request.parameter(name).unwrap_or_default();
        let labels = LabelSelector::parse(text("labelSelector")).map_err(Failure::bad_request)?;
        let fields = FieldSelector::parse(text("fieldSelector")).map_err(Failure::bad_request)?;
        let timeout = number(request, "timeoutSeconds")?;
        let limit = number(request, "limit")?.unwrap_or(0);
        let mut options = Self {
            labels,
            fields,
            bookmarks: flag(request, "allowWatchBookmarks").unwrap_or(false),
            resource_version: text("resourceVersion").to_owned(),
            version_match: Match::Unset,
            timeout,
            limit: u64::try_from(limit).unwrap_or(0),
            continue_token: text("continue").to_owned(),
            initial_events: flag(request, "sendInitialEvents"),
        };
        let wanted = text("resourceVersionMatch");
        let old = matches!(&*options.resource_version, "" | "0");
        if is_watch && options.initial_events.is_none() && wanted.is_empty() && old {
            options.initial_events = Some(true);
            options.version_match = Match::NotOlderThan;
            // What was filled in for the client is checked as if it had asked for it.
            refuse("ListOptions", &options.check_watch("NotOlderThan"))?;
            return Ok(options);
        }
        let errors = if is_watch { options.check_watch(wanted) } else { options.check_list(wanted) };
        refuse("ListOptions", &errors)?;
        if !is_watch && options.resource_version == "0" && options.continue_token.is_empty() {
            // Any version is shown from memory, where a real server does not count.
            options.limit = 0;
        }
        options.version_match = match wanted {
            "Exact" => Match::Exact,
            "NotOlderThan" => Match::NotOlderThan,
            _ => Match::Unset,
        };
        Ok(options)
    }

    fn check_list(&self, wanted: &str) -> Vec<FieldError> {
        let at = At::ROOT.field("resourceVersionMatch");
        let mut errors = Vec::new();
        if !wanted.is_empty() {
            if self.resource_version.is_empty() {
                let detail = "resourceVersionMatch is forbidden unless resourceVersion is provided";
                errors.push(FieldError::forbidden(&at, detail));
            }
            if !self.continue_token.is_empty() {
                let detail = "resourceVersionMatch is forbidden when continue is provided";
                errors.push(FieldError::forbidden(&at, detail));
            }
            if !matches!(wanted, "Exact" | "NotOlderThan") {
                errors.push(FieldError::not_supported(&at, wanted, &["Exact", "NotOlderThan", ""]));
            }
            if wanted == "Exact" && self.resource_version == "0" {
                let detail = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
                errors.push(FieldError::forbidden(&at, detail));
            }
        }
        if self.initial_events.is_some() {
            let detail = "sendInitialEvents is forbidden for list";
            errors.push(FieldError::forbidden(&At::ROOT.field("sendInitialEvents"), detail));
        }
        errors
    }

    fn check_watch(&self, wanted: &str) -> Vec<FieldError> {
        let at = At::ROOT.field("resourceVersionMatch");
        let mut errors = Vec::new();
        if self.initial_events.is_some() && wanted != "NotOlderThan" {
            let detail = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
            errors.push(FieldError::forbidden(&at, detail));
        }
        if !wanted.is_empty() {
            if self.initial_events.is_none() {
                let detail =
                    "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
                errors.push(FieldError::forbidden(&at, detail));
            }
            if wanted != "NotOlderThan" {
                errors.push(FieldError::not_supported(&at, wanted, &["NotOlderThan"]));
            }
            if !self.continue_token.is_empty() {
                let detail = "resourceVersionMatch is forbidden when continue is provided";
                errors.push(FieldError::forbidden(&at, detail));
            }
        }
        errors
    }
}
