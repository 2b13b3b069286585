//! Room `runtime` (to be built).
