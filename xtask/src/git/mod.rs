//! A Git repository as a user has it, served as a forge serves it: by the real git program.
mod http;
mod repo;
mod server;

pub use repo::GitRepo;
pub use server::{Availability, Credentials, GitServer};
