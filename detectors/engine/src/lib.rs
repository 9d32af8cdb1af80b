//! Sigma plans: load, index, match, explain.
