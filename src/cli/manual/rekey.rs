//! The facts of `nsbridge zone rekey`.

use super::facts::{Facts, Uses};

/// The facts of the command.
pub(super) const REKEY: Facts = Facts {
    command: "zone rekey",
    statuses: &[
        (0, "each zone takes the first key"),
        (69, "a zone does not take it: a person must act"),
        (75, "not in place yet: run it again"),
    ],
    uses: Uses::Queue,
    examples: &[
        (
            "Give one zone the new key:",
            "nsbridge zone rekey example.com",
        ),
        (
            "Give it to all zones of this installation:",
            "nsbridge zone rekey --all",
        ),
    ],
    see_also: &["nsbridge-check(1)", "nsbridge.toml(5)"],
};
