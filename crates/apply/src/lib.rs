//! Room `apply` (to be built).
