//! Tests of the engine and the trainers through their public interface.

#[cfg(test)]
mod boosters;
#[cfg(test)]
mod common;
#[cfg(test)]
mod conformance;
#[cfg(test)]
mod explain;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod hostile_boosters;
#[cfg(test)]
mod quality;
#[cfg(test)]
mod train;
