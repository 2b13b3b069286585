//! In which form a client wants its answer.

/// What a client accepts, the first of its wishes that this server can fulfil.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// Which form of the objects.
    pub form: Form,
    /// The version of `meta.k8s.io` in which a form other than the objects is written.
    pub version: MetaVersion,
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
    /// The metadata of one.
    Metadata,
    /// The metadata of those of a list.
    MetadataList,
}

/// A version of `meta.k8s.io`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum MetaVersion {
    /// `v1`
    V1,
    /// `v1beta1`, which differs by its name only.
    V1Beta1,
}

impl MetaVersion {
    /// As `apiVersion` has it.
    pub(crate) fn api_version(self) -> &'static str {
        match self {
            Self::V1 => "meta.k8s.io/v1",
            Self::V1Beta1 => "meta.k8s.io/v1beta1",
        }
    }
}

impl Accepted {
    /// Objects as they are, as JSON.
    pub(crate) const PLAIN: Self =
        Self { form: Form::Whole, version: MetaVersion::V1, encoding: Encoding::Json };
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
        let version = match (self.parameter("g"), self.parameter("v")) {
            (Some("meta.k8s.io"), Some("v1")) => Some(MetaVersion::V1),
            (Some("meta.k8s.io"), Some("v1beta1")) => Some(MetaVersion::V1Beta1),
            _ => None,
        };
        let (form, version) = match (self.parameter("as"), version) {
            (None, _) => (Form::Whole, MetaVersion::V1),
            (Some("Table"), Some(version)) => (Form::Table, version),
            (Some("PartialObjectMetadata"), Some(version)) => (Form::Metadata, version),
            (Some("PartialObjectMetadataList"), Some(version)) => (Form::MetadataList, version),
            _ => return None,
        };
        Some(Accepted { form, version, encoding })
    }
}

/// What can be done for an `Accept` header; `None` for nothing (406). No header is any form.
pub(crate) fn accepted(header: &str) -> Option<Accepted> {
    if header.trim().is_empty() {
        return Some(Accepted::PLAIN);
    }
    let mut wishes: Vec<_> = header.split(',').map(Wish::parse).collect();
    // Stable: equal wishes keep the order in which they came.
    wishes.sort_by(|a, b| b.quality.total_cmp(&a.quality));
    wishes.iter().find_map(Wish::fulfilled)
}

/// Whether a media type of the header is one of those of the built-in kinds, whatever its parameters: the real server's router
/// looks at no more, and knows no `application/*`.
pub(crate) fn is_offered(header: &str) -> bool {
    let known = |media: &str| matches!(media, "application/json" | "application/yaml" | "*/*");
    header.trim().is_empty() || header.split(',').map(Wish::parse).any(|wish| known(wish.media))
}

/// Whether any of these media types will do, or one that stands for all; how they are written in detail is not looked at.
pub(crate) fn allows(header: &str, offered: &[&str]) -> bool {
    let fits = |wish: Wish<'_>| match wish.media.split_once('/') {
        Some(("*", "*")) => true,
        Some((kind, "*")) => offered.iter().any(|media| media.split('/').next() == Some(kind)),
        _ => offered.contains(&wish.media),
    };
    header.trim().is_empty() || header.split(',').map(Wish::parse).any(fits)
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
            let version =
                if header.contains("v=v1beta1;as") { MetaVersion::V1Beta1 } else { MetaVersion::V1 };
            let expected = form.map(|(form, encoding)| Accepted { form, version, encoding });
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
            Some((Form::MetadataList, Encoding::Json)),
        );
        check(
            "application/json;g=meta.k8s.io;v=v1beta1;as=PartialObjectMetadata",
            Some((Form::Metadata, Encoding::Json)),
        );
        check("application/json;as=Table;g=meta.k8s.io;v=v2", None);
        check("application/json;as=Table", None);
        check("application/*", Some((Form::Whole, Encoding::Json)));
        check(
            "application/json;as=Nope;g=meta.k8s.io;v=v1, application/json;q=0.1",
            Some((Form::Whole, Encoding::Json)),
        );
        check("application/json;q=0.5,application/yaml;q=0.9", Some((Form::Whole, Encoding::Yaml)));
        check("text/html", None);
        check("application/vnd.kubernetes.protobuf", None);
    }

    #[test]
    fn routers_look_at_media_types_only() {
        for (header, offered) in [
            ("", true),
            ("*/*", true),
            ("application/json;as=Nope", true),
            ("text/html, application/yaml", true),
            ("application/*", false),
            ("text/html", false),
        ] {
            assert_eq!(is_offered(header), offered, "{header}");
        }
    }

    #[test]
    fn documents_are_had_in_what_they_are_offered_in() {
        for (header, allowed) in [
            ("", true),
            ("*/*", true),
            ("application/*", true),
            ("text/plain, application/json;q=0.1", true),
            ("text/plain", false),
            ("text/*", false),
        ] {
            assert_eq!(allows(header, &["application/json"]), allowed, "{header}");
        }
    }

    #[test]
    fn aggregated_discovery_is_asked_for() {
        assert!(wants_aggregated_discovery(
            "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"
        ));
        assert!(!wants_aggregated_discovery("application/json"));
    }
}
