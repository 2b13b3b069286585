//! Files of a volume that lie in each other's way.

use lockstep_core::Value;

use crate::meta::View;

#[derive(Clone, PartialEq)]
struct Placed {
    path: String,
    source: String,
}

impl Placed {
    fn text(&self) -> String {
        match self.source.is_empty() {
            true => format!("{:?}", self.path),
            false => format!("{:?} ({})", self.path, self.source),
        }
    }

    fn is_in_the_way_of(&self, other: &Self) -> bool {
        let (own, others) = (format!("{}/", self.path), format!("{}/", other.path));
        !self.path.is_empty()
            && !other.path.is_empty()
            && (own.starts_with(&others) || others.starts_with(&own))
    }
}

/// The warnings about all volumes.
pub(super) fn overlaps(volumes: &[Value]) -> Vec<String> {
    volumes.iter().flat_map(of_volume).collect()
}

fn of_volume(volume: &Value) -> Vec<String> {
    let name = volume.text("name");
    let warn = |described: &str, places: Vec<Placed>| {
        collisions(places)
            .into_iter()
            .map(move |(one, other)| {
                format!("volume {name:?} ({described}): overlapping paths: {one} with {other}")
            })
            .collect::<Vec<_>>()
    };
    let mut warnings = Vec::new();
    for (kind, shown, key) in [("configMap", "ConfigMap", "name"), ("secret", "Secret", "secretName")] {
        let source = volume.child(kind);
        warnings.extend(warn(&format!("{shown} {:?}", source.text(key)), placed(source.items("items"), "")));
    }
    warnings.extend(warn("DownwardAPI", placed(volume.child("downwardAPI").items("items"), "")));
    let mut places = Vec::new();
    for source in volume.child("projected").items("sources") {
        if source.as_map().is_none_or(|map| map.is_empty()) {
            warnings.push(format!("volume {name:?} (Projected) has no sources provided"));
        }
        places.extend(projected(source));
    }
    warnings.extend(warn("Projected", places));
    warnings
}

fn placed(items: &[Value], source: &str) -> Vec<Placed> {
    items
        .iter()
        .map(|item| Placed {
            path: item.text("path").trim_end_matches('/').to_owned(),
            source: source.to_owned(),
        })
        .collect()
}

fn projected(source: &Value) -> Vec<Placed> {
    let one =
        |path: &str, source: String| vec![Placed { path: path.trim_end_matches('/').to_owned(), source }];
    for (kind, shown) in [("configMap", "ConfigMap"), ("secret", "Secret")] {
        let inner = source.child(kind);
        if inner.has("items") {
            return placed(inner.items("items"), &format!("{shown} {:?}", inner.text("name")));
        }
    }
    if source.child("downwardAPI").has("items") {
        return placed(source.child("downwardAPI").items("items"), "DownwardAPI");
    }
    if source.has("serviceAccountToken") {
        return one(source.child("serviceAccountToken").text("path"), "ServiceAccountToken".into());
    }
    if source.has("clusterTrustBundle") {
        let bundle = source.child("clusterTrustBundle");
        let name = if bundle.has("name") { bundle.text("name") } else { bundle.text("signerName") };
        return one(bundle.text("path"), format!("ClusterTrustBundle {name:?}"));
    }
    Vec::new()
}

fn collisions(places: Vec<Placed>) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for (index, place) in places.iter().enumerate() {
        let others = places[..index].iter().filter(|other| place.is_in_the_way_of(other));
        found.extend(others.map(|other| (place.text(), other.text())));
    }
    found
}
