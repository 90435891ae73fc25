//! The order in which the changes of owner names are sent.

use super::change::{Action, Change};
use crate::model::RecordType;

/// The position of an owner name among the messages of a plan. BIND: checks after each message that
/// hosts in the zone which MX and apex NS records name have addresses, and refuses it otherwise. So
/// addresses are added before the records that name their hosts, and removed after them.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum SendOrder {
    First,
    NamesHosts,
    LosesAddresses,
}

/// Returns the position of an owner name with these changes.
pub(super) fn send_order(changes: &[Change]) -> SendOrder {
    let names_hosts =
        |change: &Change| [RecordType::NS, RecordType::MX, RecordType::SRV].contains(&change.rtype);
    let is_lost = |change: &Change| change.rtype.is_address() && change.action == Action::Remove;
    let is_kept = |change: &Change| change.rtype.is_address() && change.action != Action::Remove;
    if changes.iter().any(names_hosts) {
        SendOrder::NamesHosts
    } else if changes.iter().any(is_lost) && !changes.iter().any(is_kept) {
        SendOrder::LosesAddresses
    } else {
        SendOrder::First
    }
}
