//! Detectors of change in a stream of numbers, one value at a time, in bounded memory; equal to River 0.26.
//!
//! After a drift a detector begins anew with the next value, as River's do. A value that is not finite is ignored: it is
//! not counted, and answered with [`State::default`]. The same holds for a value outside [0, 1] in [`Ddm`], where it has
//! no standard deviation. [`Eddm`], [`HddmA`], [`HddmW`] and [`Fhddm`] are meant for such values too, and take others as
//! River takes them.
//!
//! A detector is kept between processes as bytes ([`Detector::to_bytes`]) and goes on from there exactly.

mod adwin;
pub(crate) mod codec;
mod ddm;
mod detector;
mod eddm;
mod fhddm;
mod hddm_a;
mod hddm_w;
mod kswin;
mod page_hinkley;
mod running;

pub use adwin::{Adwin, AdwinSettings};
pub use ddm::{Ddm, DdmSettings};
pub use detector::{Detector, NAMES, Settings};
pub use eddm::{Eddm, EddmSettings};
pub use fhddm::{Fhddm, FhddmSettings};
pub use hddm_a::{HddmA, HddmASettings};
pub use hddm_w::{HddmW, HddmWSettings};
pub use kswin::{Kswin, KswinSettings};
pub use page_hinkley::{PageHinkley, PageHinkleyMode, PageHinkleySettings};

/// The longest window that a detector may keep: 8 MB of values.
pub const LONGEST_WINDOW: usize = 1_000_000;

/// What a detector says after a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct State {
    /// The stream has changed.
    pub drift: bool,
    /// It may be about to.
    pub warning: bool,
}
