//! Rendering as its callers see it.

mod directory;
mod folder;
mod objects;
mod tree;
