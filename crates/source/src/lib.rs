//! Room `source` (to be built).
