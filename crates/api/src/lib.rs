//! Room `api` (to be built).
