//! What a commit object says.

use gix::ObjectId;
use gix::bstr::ByteSlice as _;
use lockstep_core::{Commit, CommitId, Timestamp};

/// A decoded commit: the part that people see and the part that the walk needs.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) commit: Commit,
    pub(crate) tree: ObjectId,
    pub(crate) parents: Vec<ObjectId>,
}

/// Decodes a commit object; `None` if it is malformed.
pub(crate) fn decode(id: ObjectId, data: &[u8]) -> Option<Node> {
    let raw = gix::objs::CommitRef::from_bytes(data, gix::hash::Kind::Sha1).ok()?;
    let commit = Commit {
        id: commit_id(id),
        author: author(raw.author),
        subject: subject(raw.message),
        time: Timestamp(raw.committer().ok().and_then(|who| who.time().ok()).map_or(0, |time| time.seconds)),
    };
    Some(Node { commit, tree: raw.tree(), parents: raw.parents().collect() })
}

/// The same id in the house's own type.
pub(crate) fn commit_id(id: ObjectId) -> CommitId {
    let text = id.to_hex().to_string();
    match CommitId::parse(&text) {
        Some(id) => id,
        None => unreachable!("{text} is hexadecimal"),
    }
}

/// The same id in gix's type; `None` for ids of other hash functions.
pub(crate) fn object_id(id: &CommitId) -> Option<ObjectId> {
    ObjectId::from_hex(id.as_str().as_bytes()).ok().filter(|id| id.kind() == gix::hash::Kind::Sha1)
}

/// `Ada <ada@example.com>`: the raw header without its time.
fn author(header: &[u8]) -> String {
    let end = header.rfind_byte(b'>').map_or(header.len(), |at| at + 1);
    printable(header.get(..end).unwrap_or(header))
}

fn subject(message: &[u8]) -> String {
    printable(message.trim_start().lines().next().unwrap_or(b""))
}

/// Commits hold any bytes; what is shown on terminals and in conditions holds no control characters.
fn printable(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).chars().filter(|c| !c.is_control()).collect::<String>().trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_is_decoded() {
        let data = b"tree 4b825dc642cb6eb9a060e54bf8d69288fbee4904\n\
            parent 1111111111111111111111111111111111111111\n\
            author Ada L\xc3\xb6 <ada@example.com> 1700000000 +0100\n\
            committer Bob <bob@example.com> 1700000060 +0000\n\nA subject\x1b[31m here\n\nBody\n";
        let id = ObjectId::from_hex(b"2222222222222222222222222222222222222222").unwrap();
        let node = decode(id, data).unwrap();
        assert_eq!(node.commit.author, "Ada Lö <ada@example.com>");
        assert_eq!(node.commit.subject, "A subject[31m here");
        assert_eq!(node.commit.time, Timestamp(1_700_000_060));
        assert_eq!(node.commit.id.as_str(), "2".repeat(40));
        assert_eq!(node.parents.len(), 1);
        assert!(decode(id, b"tree nonsense").is_none());
    }
}
