//! The habits of hosted services, each with the options that it needs.

use crate::support::habits::{
    Apex, CAA, FORMERR, Habits, NOTIMP, NXRRSET, PTR, Prerequisites, REFUSED, SILENT, SOA, SRV,
    Transfers, YXRRSET,
};

/// A habit of a service, and the options of its primary that go with it.
#[derive(Clone, Copy)]
pub(crate) struct Switch {
    pub(crate) name: &'static str,
    /// What it is about: two habits about one thing make no pair.
    pub(crate) about: &'static str,
    pub(crate) habit: fn(&mut Habits),
    pub(crate) options: &'static [(&'static str, &'static str)],
}

/// `{queries}` and `{transfers}` stand for the ports of these addresses; `route` is the key in the route.
pub(crate) const SWITCHES: &[Switch] = &[
    Switch {
        name: "SOA refused",
        about: "SOA",
        habit: |it| it.soa = Apex::Refused,
        options: &[("soa", "keep")],
    },
    Switch {
        name: "SOA kept in silence",
        about: "SOA",
        habit: |it| it.soa = Apex::Kept,
        options: &[("soa", "keep")],
    },
    Switch {
        name: "apex NS refused",
        about: "NS",
        habit: |it| it.apex_ns = Apex::Refused,
        options: &[("apex-ns", "keep")],
    },
    Switch {
        name: "apex NS kept in silence",
        about: "NS",
        habit: |it| it.apex_ns = Apex::Kept,
        options: &[("apex-ns", "keep")],
    },
    Switch {
        name: "prerequisites FORMERR",
        about: "prerequisites",
        habit: |it| it.prerequisites = Prerequisites::Refused(FORMERR),
        options: &[("prerequisites", "none")],
    },
    Switch {
        name: "prerequisites NOTIMP",
        about: "prerequisites",
        habit: |it| it.prerequisites = Prerequisites::Refused(NOTIMP),
        options: &[("prerequisites", "none")],
    },
    Switch {
        name: "prerequisites REFUSED",
        about: "prerequisites",
        habit: |it| it.prerequisites = Prerequisites::Refused(REFUSED),
        options: &[("prerequisites", "none")],
    },
    Switch {
        name: "SOA prerequisite YXRRSET, learnt",
        about: "prerequisites",
        habit: |it| it.prerequisites = Prerequisites::SoaFails(YXRRSET),
        options: &[],
    },
    Switch {
        name: "SOA prerequisite NXRRSET",
        about: "prerequisites",
        habit: |it| it.prerequisites = Prerequisites::SoaFails(NXRRSET),
        options: &[("prerequisites", "rrset")],
    },
    Switch {
        name: "value prerequisites NXRRSET",
        about: "prerequisites",
        habit: |it| it.prerequisites = Prerequisites::ValuesFail(NXRRSET),
        options: &[("prerequisites", "presence")],
    },
    Switch {
        name: "value prerequisites YXRRSET, learnt",
        about: "prerequisites",
        habit: |it| it.prerequisites = Prerequisites::ValuesFail(YXRRSET),
        options: &[],
    },
    Switch {
        name: "values among others hold",
        about: "prerequisites",
        habit: |it| it.prerequisites = Prerequisites::AmongOthers,
        options: &[],
    },
    Switch {
        name: "queries NOTIMP",
        about: "queries",
        habit: |it| it.no_queries = Some(NOTIMP),
        options: &[("query-address", "127.0.0.1:{queries}")],
    },
    Switch {
        name: "queries REFUSED",
        about: "queries",
        habit: |it| it.no_queries = Some(REFUSED),
        options: &[("query-address", "127.0.0.1:{queries}")],
    },
    Switch {
        name: "AXFR elsewhere, other key",
        about: "transfers",
        habit: |it| it.transfers = Transfers::Elsewhere,
        options: &[
            ("transfer-address", "127.0.0.1:{transfers}"),
            ("transfer-key", "transfers"),
        ],
    },
    Switch {
        name: "no AXFR",
        about: "transfers",
        habit: |it| it.transfers = Transfers::Nowhere,
        options: &[("read", "memory")],
    },
    Switch {
        name: "UDP only",
        about: "transport",
        habit: |it| {
            it.is_by_udp = true;
            it.transfers = Transfers::Nowhere;
        },
        options: &[("transport", "udp"), ("read", "memory")],
    },
    Switch {
        name: "UDP only, AXFR elsewhere",
        about: "transport",
        habit: |it| {
            it.is_by_udp = true;
            it.transfers = Transfers::Elsewhere;
        },
        options: &[
            ("transport", "udp"),
            ("transfer-address", "127.0.0.1:{transfers}"),
            ("transfer-key", "transfers"),
        ],
    },
    Switch {
        name: "a key for each zone",
        about: "key",
        habit: |it| it.has_key_of_zone = true,
        options: &[("route", "hosted-{zone}")],
    },
    Switch {
        name: "an addition replaces",
        about: "RRsets",
        habit: |it| it.replaces = true,
        options: &[("rrsets", "whole")],
    },
    Switch {
        name: "1 change a message",
        about: "size",
        habit: |it| it.changes_max = 1,
        options: &[("changes-max", "1")],
    },
    Switch {
        name: "3 changes a message",
        about: "size",
        habit: |it| it.changes_max = 3,
        options: &[("changes-max", "3")],
    },
    Switch {
        name: "10 changes a message",
        about: "size",
        habit: |it| it.changes_max = 10,
        options: &[("changes-max", "10")],
    },
    Switch {
        name: "1,024 records a message",
        about: "size",
        habit: |it| it.records_max = 1024,
        options: &[("changes-max", "1000")],
    },
    Switch {
        name: "TTL from 600 to 7,200",
        about: "TTL",
        habit: |it| it.ttls = 600..=7200,
        options: &[("ttl-min", "600"), ("ttl-max", "7200")],
    },
    Switch {
        name: "CAA and SRV FORMERR",
        about: "types",
        habit: |it| it.refused_types.extend([CAA, SRV]),
        options: &[],
    },
    Switch {
        name: "SOA and PTR FORMERR",
        about: "SOA",
        habit: |it| it.refused_types.extend([SOA, PTR]),
        options: &[("soa", "keep")],
    },
];

/// The habits of services that answer no question, and have no other server that does.
pub(crate) const UNSEEN: &[Switch] = &[
    Switch {
        name: "no answers, NOTIMP",
        about: "queries",
        habit: |it| (it.no_queries, it.transfers) = (Some(NOTIMP), Transfers::Nowhere),
        options: &[("read", "none")],
    },
    Switch {
        name: "no answers, REFUSED",
        about: "queries",
        habit: |it| (it.no_queries, it.transfers) = (Some(REFUSED), Transfers::Nowhere),
        options: &[("read", "none")],
    },
    Switch {
        name: "no answers, silence",
        about: "queries",
        habit: |it| (it.no_queries, it.transfers) = (Some(SILENT), Transfers::Nowhere),
        options: &[("read", "none")],
    },
];

/// The options of all habits, each with its value.
pub(crate) fn options() -> impl Iterator<Item = (&'static str, &'static str)> {
    let options = SWITCHES
        .iter()
        .chain(UNSEEN)
        .flat_map(|switch| switch.options);
    options.copied()
}

pub(crate) fn switch(name: &str) -> Switch {
    let found = SWITCHES
        .iter()
        .chain(UNSEEN)
        .find(|switch| switch.name == name);
    *found.unwrap_or_else(|| panic!("no switch `{name}`"))
}
