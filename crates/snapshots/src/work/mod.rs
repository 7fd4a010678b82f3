//! What is done with the folder of a dataset.

mod add;
mod checkout;
mod commit;
mod look;
mod place;
mod status;

pub use add::Added;
pub use checkout::{CheckedOut, Checkout};
pub use commit::{Committed, Message};
pub(crate) use look::look;
pub use place::Links;
pub(crate) use place::Placer;
pub use status::{Change, State, Status};
