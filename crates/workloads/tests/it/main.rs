//! The controllers on a store with a virtual clock.

mod cluster;
mod deployments;
mod pods;
mod recorded;
mod sets;
