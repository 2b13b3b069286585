//! What a client says that the object is which it deletes.

use lockstep_core::Value;

use crate::call::Call;
use crate::failure::Failure;
use crate::options::DeleteOptions;

/// The object must be as the client says that it is.
pub(super) fn check_preconditions(
    call: &Call<'_>,
    object: &Value,
    options: &DeleteOptions,
) -> Result<(), Failure> {
    let text = |key| object.str_at(&["metadata", key]).unwrap_or_default();
    let own =
        OWN_WORDS.iter().find(|(group, plural, _)| call.served.is(group, plural)).map(|(_, _, words)| *words);
    let wanted = [
        ("UID", options.uid.as_deref(), text("uid"), "The object might have been deleted and then recreated"),
        (
            "ResourceVersion",
            options.resource_version.as_deref(),
            text("resourceVersion"),
            "The object might have been modified",
        ),
    ];
    for (what, wanted, found, perhaps) in wanted {
        let Some(wanted) = wanted.filter(|wanted| *wanted != found) else { continue };
        return Err(match own {
            Some(words) => {
                let why =
                    format!("{words}: {what} in precondition: {wanted}, {what} in object meta: {found}");
                Failure::conflict(&call.resource(), text("name"), &why)
            }
            // The server names the kind where it should name the resource.
            None => {
                let why = format!(
                    "the {what} in the precondition ({wanted}) does not match the {what} in record ({found}). {perhaps}"
                );
                Failure::conflict(&call.served.group_kind(), text("name"), &why)
            }
        });
    }
    Ok(())
}

/// The resources whose deletion has words of its own for a precondition that fails.
const OWN_WORDS: [(&str, &str, &str); 2] = [
    ("", "namespaces", "Precondition failed"),
    ("apiextensions.k8s.io", "customresourcedefinitions", "precondition failed"),
];
