//! Failures in the queue file that another version of nsbridge has noted.

use super::entry::{Class, entries, hint};

entries! {
    EARLIER_VERSION {
        code: "NB-EARLIER-VERSION",
        class: Class::Permanent,
        text: "{reason}",
        hints: hint!("{advice}"),
        page: "An earlier version of nsbridge has noted this failure, in its own words. The next attempt gives it a code.",
    }
    LATER_VERSION {
        code: "NB-LATER-VERSION",
        class: Class::Permanent,
        text: "{stored_code} ({stored_data})",
        hints: hint!("update nsbridge on this host"),
        page: "A later version of nsbridge has noted this failure, with a code that this version does not know.",
    }
}
