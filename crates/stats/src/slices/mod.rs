//! Where does a model err most? A search over conjunctions of conditions for groups of rows whose loss is higher than
//! that of the rest, after SliceFinder (Chung et al. 2019) and SliceLine (Sagadeeva & Boehm 2021).

mod count;
mod distinct;
mod search;

pub use search::{Attribute, Condition, Search, WeakSlice, weak_slices};
