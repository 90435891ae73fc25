//! The facts of the commands that keep primaries as they are to be.

use super::facts::{Facts, Uses};

pub(super) const FACTS: &[Facts] = &[
    Facts {
        command: "audit",
        statuses: &[
            (
                0,
                "no difference; with `--repair`: what differed is in place",
            ),
            (1, "without `--repair`: differences"),
            (65, "nothing was delivered to a zone that you named"),
            (69, "something is refused: a person must act"),
            (75, "something cannot be compared, or is not in place yet"),
        ],
        uses: Uses::Queue,
        examples: &[
            ("Compare everything:", "nsbridge audit"),
            (
                "Compare one zone, and the serials of its name servers:",
                "nsbridge audit --secondaries example.com",
            ),
            (
                "Put in place again what differs:",
                "nsbridge audit --repair",
            ),
            (
                "Also remove what nsbridge did not deliver from the zones that it created:",
                "nsbridge audit --repair --prune",
            ),
        ],
        see_also: &["nsbridge-log(1)", "nsbridge-status(1)"],
    },
    Facts {
        command: "resync",
        statuses: &[
            (0, "everything is in place"),
            (65, "nothing was delivered to a zone that you named"),
            (69, "something is refused: a person must act"),
            (75, "not in place yet"),
        ],
        uses: Uses::Queue,
        examples: &[
            (
                "Bring back everything to a primary that is new:",
                "nsbridge resync --primary main",
            ),
            ("Bring back one zone:", "nsbridge resync example.com"),
        ],
        see_also: &["nsbridge-audit(1)", "nsbridge-queue(1)"],
    },
    Facts {
        command: "log",
        statuses: &[(0, "printed")],
        uses: Uses::Queue,
        examples: &[
            ("Read what was done last:", "nsbridge log --last 20"),
            ("Read what was done to a zone:", "nsbridge log example.com"),
        ],
        see_also: &["nsbridge-zone-restore(1)", "nsbridge-queue-list(1)"],
    },
    Facts {
        command: "zone restore",
        statuses: &[
            (0, "everything is in place"),
            (65, "no deletion has removed it, or too long ago"),
            (69, "refused: a person must act"),
            (75, "not in place yet"),
        ],
        uses: Uses::Queue,
        examples: &[(
            "Restore a zone that was deleted:",
            "nsbridge zone restore shop.example",
        )],
        see_also: &["nsbridge-log(1)"],
    },
    Facts {
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
    },
    Facts {
        command: "catalog take-over",
        statuses: &[
            (0, "this machine delivers for the instance"),
            (64, "there is no such primary, or wrong usage"),
            (69, "a primary refuses it: a person must act"),
            (75, "a catalog cannot be changed now"),
        ],
        uses: Uses::Queue,
        examples: &[(
            "Make this machine the one that delivers:",
            "nsbridge catalog take-over",
        )],
        see_also: &["nsbridge-status(1)", "nsbridge-queue-list(1)"],
    },
];
