//! What the kinds make of objects, compared with the answers of a real server.

mod definitions;
mod recorded;
mod tables;
mod workloads;
