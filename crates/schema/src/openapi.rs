//! The OpenAPI documents of the API server, whole, as it serves them.

use std::sync::LazyLock;

use zlib_rs::{InflateConfig, ReturnCode, decompress_slice};

/// A line a document: its path below `/openapi/`, the hash by which clients know it, where it is in [`PACKED`] (start and
/// length), and its length when unpacked; all in bytes. Written by `cargo xtask openapi`, as is the other.
static INDEX: &str = include_str!("../data/openapi.tsv");
static PACKED: &[u8] = include_bytes!("../data/openapi.bin");

static DOCUMENTS: LazyLock<Vec<Document>> =
    LazyLock::new(|| INDEX.lines().filter_map(Document::of).collect());

struct Document {
    path: &'static str,
    hash: &'static str,
    packed: &'static [u8],
    length: usize,
}

impl Document {
    fn of(line: &'static str) -> Option<Self> {
        let mut columns = line.split('\t');
        let (path, hash) = (columns.next()?, columns.next()?);
        let mut number = || columns.next()?.parse::<usize>().ok();
        let (start, packed, length) = (number()?, number()?, number()?);
        Some(Self { path, hash, packed: PACKED.get(start..start.checked_add(packed)?)?, length })
    }

    fn unpack(&self) -> Option<Vec<u8>> {
        let mut text = vec![0; self.length];
        let (read, code) = decompress_slice(&mut text, self.packed, InflateConfig::default());
        let whole = code == ReturnCode::Ok && read.len() == self.length;
        whole.then_some(text)
    }
}

/// The documents of the built-in kinds, with descriptions, byte for byte as a real API server served them. They are kept
/// packed and nothing is kept of what is asked for: unpacking one takes a millisecond a megabyte or two.
#[derive(Clone, Copy, Debug)]
pub struct OpenApi;

impl OpenApi {
    /// What is served under `/openapi/v2`.
    pub fn v2() -> Option<Vec<u8>> {
        find("v2")?.unpack()
    }

    /// What is served under `/openapi/v3/PATH`, with PATH as in [`OpenApi::v3_paths`]: `api/v1`, `apis/apps/v1`, `version`.
    pub fn v3(path: &str) -> Option<Vec<u8>> {
        find(&format!("v3/{path}"))?.unpack()
    }

    /// The paths that `/openapi/v3` lists, sorted, each with the hash of its document (uppercase hexadecimal).
    pub fn v3_paths() -> impl Iterator<Item = (&'static str, &'static str)> {
        DOCUMENTS.iter().filter_map(|document| Some((document.path.strip_prefix("v3/")?, document.hash)))
    }

    /// The hash of the document of version 2, its `ETag` without quotes: SHA-512 in uppercase hexadecimal.
    pub fn v2_hash() -> Option<&'static str> {
        find("v2").map(|document| document.hash)
    }
}

fn find(path: &str) -> Option<&'static Document> {
    let index = DOCUMENTS.binary_search_by(|document| document.path.cmp(path)).ok()?;
    DOCUMENTS.get(index)
}

#[cfg(test)]
mod tests {
    use super::*;
    use lockstep_core::{Value, from_json};

    #[test]
    fn every_document_unpacks() {
        assert_eq!(DOCUMENTS.len(), INDEX.lines().count());
        assert!(DOCUMENTS.windows(2).all(|pair| pair[0].path < pair[1].path));
        for document in DOCUMENTS.iter() {
            let text = document.unpack().unwrap_or_else(|| panic!("{}", document.path));
            assert_eq!((text.first(), text.last()), (Some(&b'{'), Some(&b'}')), "{}", document.path);
        }
    }

    #[test]
    fn documents_are_found_by_path() {
        let title = |text: Option<Vec<u8>>| {
            let document: Value = from_json(&text?).unwrap();
            Some(document.str_at(&["info", "title"]).unwrap_or_default().to_owned())
        };
        assert_eq!(title(OpenApi::v3("apis/scheduling.k8s.io/v1")).as_deref(), Some("Kubernetes"));
        assert_eq!(title(OpenApi::v3("version")).as_deref(), Some("Kubernetes"));
        assert_eq!(OpenApi::v3("apis/apps/v2"), None);
        assert!(OpenApi::v2().unwrap().starts_with(br#"{"swagger":"2.0""#));
        assert_eq!(OpenApi::v2_hash().unwrap().len(), 128);
        assert!(OpenApi::v3_paths().any(|(path, hash)| path == "apis/apps/v1" && hash.len() == 128));
    }
}
