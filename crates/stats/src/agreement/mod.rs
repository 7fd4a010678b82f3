//! How far annotators agree: on classes and numbers beyond chance, on spans and boxes by overlap.
//!
//! Ratings are one row per item and one place per annotator; `None` says that this annotator did not rate the item.

mod kappa;
mod krippendorff;
mod regions;

pub use kappa::{Weights, cohen_kappa, fleiss_kappa, percent_agreement};
pub use krippendorff::{Level, krippendorff_alpha};
pub use regions::{LabelledSpan, Rectangle, box_f1, iou, mean_iou, span_f1};
