//! Is the challenger different from the champion on the same rows? Better? At least not worse?

mod delong;
mod independent;
mod margin;
mod mcnemar;
mod paired;

pub use delong::{DeLong, DeLongComparison, delong, delong_paired};
pub use independent::{Difference, Moments, Proportion, two_proportions, welch};
pub use margin::{Improvement, Shown};
pub use mcnemar::{McNemar, mcnemar};
pub use paired::{PairedT, Wilcoxon, paired_t, wilcoxon};
