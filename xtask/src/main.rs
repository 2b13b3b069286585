//! Entry for people and CI.
fn main() {}
