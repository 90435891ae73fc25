//! PTR records, from payloads and from `nsbridge ptr`: the reverse zone they belong to, how it is created,
//! and who owns each value.

mod calls;
mod command;
mod memory;
mod records;
mod reverse_zones;
