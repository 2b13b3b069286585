//! In which form a client wants its answer.

/// What a client accepts, the first of its wishes that this server can fulfil.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// Which form of the objects.
    pub form: Form,
    /// How they are written.
    pub encoding: Encoding,
}

/// The form of an answer (`as=` of the media type).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// The objects themselves.
    Whole,
    /// Rows and columns, as `kubectl get` prints them.
    Table,
    /// Their metadata only.
    Metadata,
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    /// `application/json`
    Json,
    /// `application/yaml`
    Yaml,
}

impl Encoding {
    /// The media type.
    pub(crate) fn media_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Yaml => "application/yaml",
        }
    }
}

/// One entry of an `Accept` header.
struct Wish<'a> {
    media: &'a str,
    parameters: Vec<(&'a str, &'a str)>,
    quality: f32,
}

impl<'a> Wish<'a> {
    fn parse(entry: &'a str) -> Self {
        let mut parts = entry.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default();
        let parameters: Vec<_> = parts.filter_map(|part| part.split_once('=')).collect();
        let quality = parameters.iter().find(|(name, _)| *name == "q");
        let quality = quality.and_then(|(_, value)| value.parse().ok()).unwrap_or(1.0);
        Self { media, parameters, quality }
    }

    fn parameter(&self, name: &str) -> Option<&'a str> {
        self.parameters.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
    }

    fn fulfilled(&self) -> Option<Accepted> {
        let encoding = match self.media {
            "application/json" | "application/*" | "*/*" => Encoding::Json,
            "application/yaml" => Encoding::Yaml,
            _ => return None,
        };
        let meta = matches!(self.parameter("g"), Some("meta.k8s.io"))
            && matches!(self.parameter("v"), Some("v1" | "v1beta1"));
        let form = match self.parameter("as") {
            None => Form::Whole,
            Some("Table") if meta => Form::Table,
            Some("PartialObjectMetadata" | "PartialObjectMetadataList") if meta => Form::Metadata,
            Some(_) => return None,
        };
        Some(Accepted { form, encoding })
    }
}

/// What can be done for an `Accept` header; `None` for nothing (406). No header is any form.
pub(crate) fn accepted(header: &str) -> Option<Accepted> {
    if header.trim().is_empty() {
        return Some(Accepted { form: Form::Whole, encoding: Encoding::Json });
    }
    let mut wishes: Vec<_> = header.split(',').map(Wish::parse).collect();
    // Stable: equal wishes keep the order in which they came.
    wishes.sort_by(|a, b| b.quality.total_cmp(&a.quality));
    wishes.iter().find_map(Wish::fulfilled)
}

/// Whether discovery is wanted as one document, and in which version of its group.
pub(crate) fn wants_aggregated_discovery(header: &str) -> bool {
    header.split(',').map(Wish::parse).any(|wish| {
        wish.media == "application/json"
            && wish.parameter("g") == Some("apidiscovery.k8s.io")
            && wish.parameter("v") == Some("v2")
            && wish.parameter("as") == Some("APIGroupDiscoveryList")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_wish_that_can_be_fulfilled_is() {
        let check = |header: &str, form: Option<(Form, Encoding)>| {
            let expected = form.map(|(form, encoding)| Accepted { form, encoding });
            assert_eq!(accepted(header), expected, "{header}");
        };
        check("", Some((Form::Whole, Encoding::Json)));
        check("*/*", Some((Form::Whole, Encoding::Json)));
        check("application/yaml, application/json", Some((Form::Whole, Encoding::Yaml)));
        check("application/vnd.kubernetes.protobuf,application/json", Some((Form::Whole, Encoding::Json)));
        check(
            "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json",
            Some((Form::Table, Encoding::Json)),
        );
        check(
            "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
            Some((Form::Metadata, Encoding::Json)),
        );
        check(
            "application/json;as=Nope;g=meta.k8s.io;v=v1, application/json;q=0.1",
            Some((Form::Whole, Encoding::Json)),
        );
        check("application/json;q=0.5,application/yaml;q=0.9", Some((Form::Whole, Encoding::Yaml)));
        check("text/html", None);
        check("application/vnd.kubernetes.protobuf", None);
    }

    #[test]
    fn aggregated_discovery_is_asked_for() {
        assert!(wants_aggregated_discovery(
            "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
        ));
        assert!(!wants_aggregated_discovery("application/json"));
    }
}
