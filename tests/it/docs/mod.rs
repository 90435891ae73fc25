//! Documents that are run as they stand: README.md and `docs`. `documents` lists which module runs which block; `layers`
//! holds `src` to the table in src/lib.rs.

mod bind;
mod documents;
mod hosted;
mod knot;
mod layers;
mod manual;
mod messages;
mod pieces;
mod plesk;
mod powerdns;
mod set_up;
mod shell;
