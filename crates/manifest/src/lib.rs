//! Room `manifest` (to be built).
