//! Questions about the hub that change nothing, with answers in the words of the API.
//!
//! Stage: after enforce. The HTTP API and the console ask here and nowhere else, so both say the same.
//! Never: writes, decides, or speaks HTTP. A question about many devices is asked of memory, in short steps
//! that let the doors' work go between them; none copies the fleet.
//! To add a question: a file with its method on [`Views`], answering a type of `hub/api`.

mod attention;
mod best;
mod certificates;
mod claims;
mod consequence;
mod device;
mod devices;
mod figures;
mod fleet;
mod journal;
mod live;
mod log;
mod looking;
mod manufacturers;
mod page;
mod profile_change;
mod profiles;
mod proof;
mod refused;
mod saved;
mod services;
mod status;
mod tokens;
mod views;
mod walk;
mod words;

pub use attention::{Attention, Urgency};
pub use devices::Found;
pub use fleet::Fleet;
pub use live::{Activity, Live, Trouble};
pub use log::TileLog;
pub use profiles::digest_of as profile_digest;
pub use proof::{Grown, Neighbour, Proved};
pub use refused::NotShown;
pub use views::{HubFacts, Views};
