//! The hooks of `packaging/panels`, fed with files in the format of each panel, as its public sources write them.

mod directadmin;
