//! Models in MLflow's folder form, loaded by a real Python.

#[cfg(test)]
mod common;
#[cfg(test)]
mod environment;
#[cfg(test)]
mod models;
#[cfg(test)]
mod speed;
#[cfg(test)]
mod trouble;
#[cfg(test)]
mod values;
