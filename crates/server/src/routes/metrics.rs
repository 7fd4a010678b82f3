//! Figures for Prometheus.

mod monitors;
pub(crate) mod show;
mod text;
