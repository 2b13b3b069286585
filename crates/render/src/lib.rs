//! Room `render` (to be built).
