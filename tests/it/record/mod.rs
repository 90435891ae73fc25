//! Single records that a command adds and removes: the TXT values of ACME challenges.

mod acme;
mod challenges;
