//! Room `core` (to be built).
