//! Files whose content is elsewhere.

/// What a pointer of Git LFS, or of its first name, begins with.
const POINTERS: [&[u8]; 2] =
    [b"version https://git-lfs.github.com/spec/", b"version https://hawser.github.com/spec/"];

/// Whether a file is a pointer to content in Git LFS. The specification bounds pointers to 1024 bytes.
pub(crate) fn is_lfs_pointer(content: &[u8]) -> bool {
    content.len() < 1024 && POINTERS.iter().any(|pointer| content.starts_with(pointer))
}
