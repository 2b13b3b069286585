//! What only the level `restricted` forbids.

use std::collections::BTreeSet;

use lockstep_core::Value;

use super::checks::{Pod, Violation, containers_named, joined, listed, plural};
use crate::admission::stage::items;

impl Pod<'_> {
    pub(super) fn privilege_escalation(&self) -> Violation {
        if !self.wanted.since(8) || self.wanted.since(25) && self.is_windows() {
            return None;
        }
        let names = self.names(|container| {
            let path = ["securityContext", "allowPrivilegeEscalation"];
            container.at(&path).and_then(Value::as_bool) != Some(false)
        });
        (!names.is_empty()).then(|| {
            let who = containers_named(&names);
            let detail = format!("{who} must set securityContext.allowPrivilegeEscalation=false");
            ("allowPrivilegeEscalation != false".to_owned(), detail)
        })
    }

    pub(super) fn all_capabilities(&self) -> Violation {
        if !self.wanted.since(22) || self.wanted.since(25) && self.is_windows() {
            return None;
        }
        let missing = self.names(|container| {
            let dropped = items(container, &["securityContext", "capabilities", "drop"]);
            !dropped.iter().any(|name| name.as_str() == Some("ALL"))
        });
        let (adding, found) = self.added(&["NET_BIND_SERVICE"]);
        let mut details = Vec::new();
        if !missing.is_empty() {
            let who = containers_named(&missing);
            details.push(format!("{who} must set securityContext.capabilities.drop=[\"ALL\"]"));
        }
        if !adding.is_empty() {
            let (who, what) = (containers_named(&adding), listed(&found));
            details.push(format!("{who} must not include {what} in securityContext.capabilities.add"));
        }
        (!details.is_empty()).then(|| ("unrestricted capabilities".to_owned(), details.join("; ")))
    }

    pub(super) fn volumes(&self) -> Violation {
        const ALLOWED: [&str; 9] = [
            "configMap",
            "csi",
            "downwardAPI",
            "emptyDir",
            "ephemeral",
            "image",
            "persistentVolumeClaim",
            "projected",
            "secret",
        ];
        let mut names = Vec::new();
        let mut kinds = BTreeSet::new();
        for volume in items(self.pod, &["spec", "volumes"]) {
            if ALLOWED.iter().any(|kind| volume.get(kind).is_some()) {
                continue;
            }
            names.push(volume.str_at(&["name"]).unwrap_or_default());
            let mut others = volume.as_map().into_iter().flatten().map(|(key, _)| &**key);
            kinds.insert(others.find(|key| *key != "name").unwrap_or("unknown").to_owned());
        }
        (!names.is_empty()).then(|| {
            let (volume, verb) =
                (plural(names.len(), "volume", "volumes"), plural(names.len(), "uses", "use"));
            let kind = plural(kinds.len(), "restricted volume type", "restricted volume types");
            let detail = format!("{volume} {} {verb} {kind} {}", joined(&names), listed(&kinds));
            ("restricted volume types".to_owned(), detail)
        })
    }

    pub(super) fn non_root(&self) -> Violation {
        if self.wanted.since(35) && self.has_own_users() {
            return None;
        }
        let said = |context: &Value| context.get("runAsNonRoot").and_then(Value::as_bool);
        let reason = || "runAsNonRoot != true".to_owned();
        let setters = self.setters(|context| said(context) == Some(false));
        if !setters.is_empty() {
            let setters = setters.join(" and ");
            return Some((reason(), format!("{setters} must not set securityContext.runAsNonRoot=false")));
        }
        let of_pod = self.context().and_then(said) == Some(true);
        let names =
            self.names(|container| !of_pod && container.get("securityContext").and_then(said).is_none());
        (!names.is_empty()).then(|| {
            let who = containers_named(&names);
            (reason(), format!("pod or {who} must set securityContext.runAsNonRoot=true"))
        })
    }

    pub(super) fn root_user(&self) -> Violation {
        if !self.wanted.since(23) || self.wanted.since(35) && self.has_own_users() {
            return None;
        }
        let setters = self.setters(|context| context.int_at(&["runAsUser"]) == Some(0));
        (!setters.is_empty()).then(|| {
            ("runAsUser=0".to_owned(), format!("{} must not set runAsUser=0", setters.join(" and ")))
        })
    }

    pub(super) fn seccomp_set(&self) -> Violation {
        if !self.wanted.since(19) || self.wanted.since(25) && self.is_windows() {
            return None;
        }
        if let Some(bad) = self.bad_seccomp() {
            return Some(bad);
        }
        let of_pod = self.context().is_some_and(|context| context.get("seccompProfile").is_some());
        let names =
            self.names(|container| !of_pod && container.at(&["securityContext", "seccompProfile"]).is_none());
        (!names.is_empty()).then(|| {
            let who = containers_named(&names);
            let detail =
                format!("pod or {who} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\"");
            ("seccompProfile".to_owned(), detail)
        })
    }
}
