//! Volumes that are put together from several sources.

use std::collections::BTreeSet;

use lockstep_core::Value;
use schema::{At, FieldError};

use super::Errors;
use super::volumes::{downward_file, key_to_path, mode, not_reserved, required, token_seconds};
use crate::meta::View;

const TWICE: &str = "conflicting duplicate paths";

/// The volume; the paths of its files are all different.
pub(super) fn validate_projected(errors: &mut Errors, at: &At, source: &Value) {
    mode(errors, at, source, "defaultMode");
    let (list, mut paths) = (at.field("sources"), BTreeSet::new());
    for (index, projection) in source.items("sources").iter().enumerate() {
        let item = list.index(index);
        let mut projections = Projections { volume: at, paths: &mut paths };
        let kinds = [
            "secret",
            "configMap",
            "downwardAPI",
            "serviceAccountToken",
            "clusterTrustBundle",
            "podCertificate",
        ];
        for kind in kinds.into_iter().filter(|kind| projection.has(kind)) {
            projections.validate(errors, (&item.field(kind), kind), projection.child(kind));
        }
        if kinds.into_iter().filter(|kind| projection.has(kind)).count() > 1 {
            errors.push(FieldError::forbidden(&item, "may not specify more than 1 volume type per source"));
        }
    }
}

struct Projections<'a, 'v> {
    volume: &'a At<'a>,
    paths: &'a mut BTreeSet<&'v str>,
}

impl<'v> Projections<'_, 'v> {
    fn validate(&mut self, errors: &mut Errors, (at, kind): (&At, &str), source: &'v Value) {
        match kind {
            "secret" | "configMap" => {
                required(errors, at, source, &["name"]);
                let items = at.field("items");
                for (index, item) in source.items("items").iter().enumerate() {
                    key_to_path(errors, &items.index(index), item);
                    self.once(errors, item.text("path"), source.text("name"));
                }
            }
            "downwardAPI" => {
                for item in source.items("items") {
                    downward_file(errors, at, item);
                    self.once(errors, item.text("path"), item.text("path"));
                }
            }
            "serviceAccountToken" => {
                match source.int("expirationSeconds") {
                    None => errors.push(FieldError::required(&at.field("expirationSeconds"), "")),
                    Some(seconds) => token_seconds(errors, &at.field("expirationSeconds"), seconds),
                }
                match source.text("path") {
                    "" => errors.push(FieldError::required(&self.volume.field("path"), "")),
                    path => not_reserved(errors, &self.volume.field("path"), path),
                }
            }
            "clusterTrustBundle" => {
                required(errors, at, source, &["path"]);
                not_reserved(errors, &at.field("path"), source.text("path"));
                self.once(errors, source.text("path"), source.text("path"));
            }
            _ => {} // certificates for pods
        }
    }

    fn once(&mut self, errors: &mut Errors, path: &'v str, shown: &str) {
        if !path.is_empty() && !self.paths.insert(path) {
            errors.push(FieldError::invalid(self.volume, shown, TWICE));
        }
    }
}
