//! Room `diff` (to be built).
