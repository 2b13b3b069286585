//! What an Application depends on.

use lockstep_core::{ApiVersion, AppKey, Dependency, Gvk};
use rules::Expression;

use crate::API_VERSION;
use crate::fields::Fields;

/// Reads `spec.dependsOn` of an Application.
pub(super) fn depends_on(spec: &mut Fields<'_>, app: &AppKey) -> Vec<Dependency> {
    let all = spec.mappings("dependsOn");
    all.into_iter().filter_map(|fields| dependency(fields, app)).collect()
}

fn dependency(mut fields: Fields<'_>, app: &AppKey) -> Option<Dependency> {
    let kind = required(&mut fields, "kind");
    let name = required(&mut fields, "name");
    let namespace = fields.word("namespace").unwrap_or(&app.namespace);
    let api = version(&mut fields, kind);
    let ready = fields.word("ready");
    if let Some(Err(error)) = ready.map(Expression::about_self) {
        fields.error("ready", error.to_string());
    }
    let (kind, name, api) = (kind?, name?, api?);
    let dependency = Dependency {
        gvk: Gvk { api, kind: kind.into() },
        namespace: namespace.into(),
        name: name.into(),
        ready: ready.map(Into::into),
    };
    if ready.is_some() && dependency.gvk.group_kind().is("", "Secret") {
        // What it says could be guessed bit by bit by whoever may write expressions.
        fields.error("ready", "what a Secret holds cannot be asked for; without it, the Secret has to exist");
    }
    if dependency.application().as_ref() == Some(app) {
        fields.error("name", "an Application cannot depend on itself");
    }
    fields.finish();
    Some(dependency)
}

fn required<'a>(fields: &mut Fields<'a>, name: &'static str) -> Option<&'a str> {
    let word = fields.word(name);
    if word.is_none() {
        fields.error(name, "must be set");
    }
    word
}

/// Of an Application it need not be said.
fn version(fields: &mut Fields<'_>, kind: Option<&str>) -> Option<ApiVersion> {
    let text = match (fields.word("apiVersion"), kind) {
        (Some(text), _) => text,
        (None, Some("Application")) => API_VERSION,
        (None, None) => return None,
        (None, Some(_)) => {
            fields.error("apiVersion", "must be set, unless the kind is Application");
            return None;
        }
    };
    let version = ApiVersion::parse(text);
    if version.is_none() {
        fields.error("apiVersion", format!("'{text}' is no API version; write v1 or apps/v1"));
    }
    version
}

#[cfg(test)]
mod tests {
    use lockstep_core::{Application, from_json};

    use crate::application;

    fn read(depends_on: &str) -> (Option<Application>, Vec<String>) {
        let json = format!(
            r#"{{"apiVersion":"lockstep.dev/v1alpha1","kind":"Application","metadata":{{"name":"shop","namespace":"team"}},
                "spec":{{"sources":[{{"git":{{"url":"https://h/x"}}}}],"dependsOn":[{depends_on}]}}}}"#
        );
        let (app, findings) = application(&from_json(json.as_bytes()).unwrap());
        (app, findings.iter().map(ToString::to_string).collect())
    }

    #[test]
    fn applications_and_any_other_object() {
        let (app, _) = read(
            r#"{"kind":"Application","name":"db"},{"kind":"Application","name":"db","namespace":"infra"},
               {"apiVersion":"apps/v1","kind":"Deployment","name":"web","ready":"self.status.readyReplicas > 0"}"#,
        );
        let all = app.unwrap().depends_on;
        let keys: Vec<String> = all.iter().map(|dependency| dependency.key().to_reference()).collect();
        assert_eq!(
            keys,
            [
                "lockstep.dev/Application:team/db",
                "lockstep.dev/Application:infra/db",
                "apps/Deployment:team/web"
            ]
        );
        assert_eq!(all.iter().filter(|dependency| dependency.application().is_some()).count(), 2);
        assert_eq!(all[2].ready.as_deref(), Some("self.status.readyReplicas > 0"));
    }

    #[test]
    fn what_can_never_be_ready_is_refused_where_it_stands() {
        for (text, finding) in [
            (r#"{"kind":"Application"}"#, "spec.dependsOn[0].name: must be set"),
            (
                r#"{"kind":"Deployment","name":"x"}"#,
                "spec.dependsOn[0].apiVersion: must be set, unless the kind is Application",
            ),
            (
                r#"{"apiVersion":"a/b/c","kind":"X","name":"x"}"#,
                "spec.dependsOn[0].apiVersion: 'a/b/c' is no API version; write v1 or apps/v1",
            ),
            (
                r#"{"kind":"Application","name":"shop"}"#,
                "spec.dependsOn[0].name: an Application cannot depend on itself",
            ),
            (
                r#"{"apiVersion":"v1","kind":"Secret","name":"x","ready":"true"}"#,
                "spec.dependsOn[0].ready: what a Secret holds cannot be asked for; without it, the Secret has to exist",
            ),
            (
                r#"{"kind":"Application","name":"x","redy":"true"}"#,
                "spec.dependsOn[0].redy: unknown field (did you mean ready?)",
            ),
        ] {
            let (app, findings) = read(text);
            assert!(app.is_none(), "{text}");
            assert_eq!(findings, [finding], "{text}");
        }
        let (app, findings) = read(r#"{"kind":"Application","name":"x","ready":"self.status.x +"}"#);
        assert!(
            app.is_none() && findings[0].starts_with("spec.dependsOn[0].ready: compilation failed"),
            "{findings:?}"
        );
    }
}
