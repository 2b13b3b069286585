//! Expressions and rules on what a real API server says of them.

mod recorded;
