//! The sync policy of an Application.

use std::collections::BTreeMap;
use std::sync::Arc;

use lockstep_core::{Budget, NamespaceMetadata, Propagation, Retry, SyncMode, SyncPolicy};

use crate::fields::Fields;

/// Reads `spec.sync`.
pub(super) fn sync(mut fields: Fields<'_>) -> SyncPolicy {
    let modes =
        [("Automatic", SyncMode::Automatic), ("Manual", SyncMode::Manual), ("Notify", SyncMode::Notify)];
    let mode = fields.choice("mode", &modes).unwrap_or(SyncMode::Manual);
    let propagations = [Propagation::Background, Propagation::Foreground, Propagation::Orphan];
    let policy = SyncPolicy {
        mode,
        prune: fields.flag("prune").unwrap_or(false),
        self_heal: fields.flag("selfHeal").unwrap_or(mode == SyncMode::Automatic),
        allow_empty: fields.flag("allowEmpty").unwrap_or(false),
        budget: budget(&mut fields),
        propagation: fields.choice("propagation", &propagations.map(|p| (p.as_str(), p))).unwrap_or_default(),
        retry: retry(fields.mapping_or_empty("retry")),
        timeout: fields.duration("timeout"),
        replace: fields.flag("replace").unwrap_or(false),
        force: fields.flag("force").unwrap_or(false),
        create_namespace: create_namespace(&mut fields),
    };
    fields.refuse(&["pin"]);
    fields.finish();
    policy
}

fn create_namespace(sync: &mut Fields<'_>) -> Option<NamespaceMetadata> {
    let wanted = sync.flag("createNamespace").unwrap_or(false);
    let said = sync.says("namespaceMetadata");
    let mut fields = sync.mapping_or_empty("namespaceMetadata");
    let metadata = NamespaceMetadata {
        labels: words(&mut fields, "labels"),
        annotations: words(&mut fields, "annotations"),
    };
    let ours = metadata.annotations.keys().find(|name| name.starts_with("lockstep.dev/"));
    if let Some(name) = ours {
        fields.error("annotations", format!("{name} is written by Lockstep"));
    }
    fields.finish();
    if said && !wanted {
        sync.error("namespaceMetadata", "needs createNamespace: true");
    }
    wanted.then_some(metadata)
}

fn words(fields: &mut Fields<'_>, name: &'static str) -> BTreeMap<Arc<str>, Arc<str>> {
    let words = fields.words(name).into_iter();
    words.map(|(name, text)| (Arc::from(name), Arc::from(text))).collect()
}

fn budget(sync: &mut Fields<'_>) -> Budget {
    let name = "deletionBudget";
    let Some(value) = sync.get(name) else { return Budget::Default };
    let count = value.as_int().and_then(|count| usize::try_from(count).ok()).map(Budget::Count);
    let percent = || {
        let digits = value.as_str()?.strip_suffix('%')?;
        let percent: u8 = digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())??;
        (percent <= 100).then_some(Budget::Percent(percent))
    };
    count.or_else(percent).unwrap_or_else(|| {
        sync.error(name, "must be a count of at least 0 or a percentage such as 25%");
        Budget::Default
    })
}

fn retry(mut fields: Fields<'_>) -> Retry {
    let standard = Retry::default();
    let limit = match fields.integer("limit", -1, 1000) {
        None => standard.limit,
        Some(limit) => u32::try_from(limit).ok(),
    };
    let mut backoff = fields.mapping_or_empty("backoff");
    let factor = backoff.integer("factor", 1, 100).and_then(|factor| u32::try_from(factor).ok());
    let retry = Retry {
        limit,
        duration: backoff.duration("duration").unwrap_or(standard.duration),
        factor: factor.unwrap_or(standard.factor),
        max_duration: backoff.duration("maxDuration").unwrap_or(standard.max_duration),
    };
    backoff.finish();
    fields.finish();
    retry
}

#[cfg(test)]
mod tests {
    use lockstep_core::{Application, Budget, from_json};

    use crate::application;

    fn read(sync: &str) -> Option<Application> {
        let json = format!(
            r#"{{"apiVersion":"lockstep.dev/v1alpha1","kind":"Application","metadata":{{"name":"shop"}},
                "spec":{{"sources":[{{"git":{{"url":"https://h/x"}}}}],"sync":{sync}}}}}"#
        );
        application(&from_json(json.as_bytes()).unwrap()).0
    }

    #[test]
    fn self_heal_follows_the_mode_unless_it_is_said() {
        for (sync, expected) in [
            (r#"{"mode":"Automatic"}"#, true),
            (r#"{"mode":"Automatic","selfHeal":false}"#, false),
            (r#"{"mode":"Manual"}"#, false),
            (r#"{"mode":"Manual","selfHeal":true}"#, true),
        ] {
            assert_eq!(read(sync).unwrap().sync.self_heal, expected, "{sync}");
        }
    }

    #[test]
    fn words_for_a_namespace_need_one_that_is_made() {
        let made = |sync: &str| read(sync).map(|app| app.sync.create_namespace);
        assert_eq!(made("{}"), Some(None));
        // Which one is made has to be said.
        assert_eq!(made(r#"{"createNamespace":true}"#), None);
        for refused in [
            r#"{"namespaceMetadata":{"labels":{"a":"b"}}}"#,
            r#"{"createNamespace":true,"namespaceMetadata":{"labels":{"a":1}}}"#,
            r#"{"createNamespace":true,"namespaceMetadata":{"label":{}}}"#,
            r#"{"createNamespace":true,"namespaceMetadata":{"annotations":{"lockstep.dev/owner":"x"}}}"#,
        ] {
            assert_eq!(made(refused), None, "{refused}");
        }
    }

    #[test]
    fn budgets_are_counts_or_percentages() {
        let budget = |text: &str| read(&format!(r#"{{"deletionBudget":{text}}}"#)).map(|app| app.sync.budget);
        for (text, expected) in [
            ("0", Some(Budget::Count(0))),
            ("3", Some(Budget::Count(3))),
            ("\"0%\"", Some(Budget::Percent(0))),
            ("\"100%\"", Some(Budget::Percent(100))),
            ("-1", None),
            ("\"3\"", None),
            ("\"+5%\"", None),
            ("\"300%\"", None),
            ("2.5", None),
        ] {
            assert_eq!(budget(text), expected, "{text}");
        }
    }
}
