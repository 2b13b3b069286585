//! Room `goyaml` (to be built).
