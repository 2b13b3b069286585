//! Room `git` (to be built).
