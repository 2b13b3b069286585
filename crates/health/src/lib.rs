//! Room `health` (to be built).
