//! PTR records, from payloads and from `nsbridge ptr`: the reverse zone they belong to, how it is created,
//! and who owns each value.

pub(crate) mod calls;
pub(crate) mod command;
pub(crate) mod memory;
pub(crate) mod records;
pub(crate) mod reverse_zones;
