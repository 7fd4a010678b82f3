//! From the answers of several annotators, or rules, to one label with its confidence; what to label next; which labels
//! are probably wrong.

mod confident;
mod consensus;
mod functions;
mod uncertainty;

pub use confident::{Filter, Quality, confident_joint, label_issues, label_quality, ranked_by_quality};
pub use consensus::{DawidSkene, Vote, dawid_skene, majority_vote, most_probable};
pub use functions::{FunctionSummary, LabelModel, function_summary, label_model};
pub use uncertainty::{Uncertainty, uncertainty};
