//! Room `controller` (to be built).
