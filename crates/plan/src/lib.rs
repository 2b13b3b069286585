//! Room `plan` (to be built).
