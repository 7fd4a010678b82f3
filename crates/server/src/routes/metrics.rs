//! Figures for Prometheus.

pub(crate) mod show;
mod text;
