//! Is the challenger different from the champion on the same rows? Better? At least not worse?

mod delong;
mod independent;
mod mcnemar;
mod non_inferiority;
mod paired;

pub use delong::{DeLong, DeLongComparison, delong, delong_paired};
pub use independent::{Difference, Moments, Proportion, two_proportions, welch};
pub use mcnemar::{McNemar, mcnemar};
pub use non_inferiority::{NonInferiority, non_inferior};
pub use paired::{PairedT, Wilcoxon, paired_t, wilcoxon};
