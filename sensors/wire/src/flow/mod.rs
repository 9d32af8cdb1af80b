//! Flows.

pub mod community_id;
