//! Room `cluster` (to be built).
