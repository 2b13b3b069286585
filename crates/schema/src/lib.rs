//! Room `schema` (to be built).
