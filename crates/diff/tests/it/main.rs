//! Behaviour over what a real API server answered.
