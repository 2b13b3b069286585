//! The commands, one a file: its arguments and what it does with them.

pub(crate) mod app;
pub(crate) mod cluster;
pub(crate) mod codegen;
pub(crate) mod controller;
pub(crate) mod demo;
pub(crate) mod install;
pub(crate) mod plan;
pub(crate) mod render;
pub(crate) mod trace;
pub(crate) mod up;
pub(crate) mod version;
pub(crate) mod why;
