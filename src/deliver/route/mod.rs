//! The way from a name to the primary that serves it: by a route, and by CNAMEs.

pub(crate) mod cname;
mod table;

pub use table::{Route, Routed, RoutedResult, Routes};
