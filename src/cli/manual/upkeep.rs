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
            "nsbridge zone restore example.com",
        )],
        see_also: &["nsbridge-log(1)"],
    },
];
