//! Room `gostd` (to be built).
