//! The room against an API server inside the process, and, where one is given, against a real one.

mod discovery;
mod fake;
mod index;
mod real;
mod writer;
