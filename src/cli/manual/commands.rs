//! The facts of each command: exit statuses, files, examples, related pages.

use super::facts::{Facts, Uses};
use super::upkeep;

const IN_PLACE: (u8, &str) = (0, "everything is in place");
const DONE: (u8, &str) = (0, "done");
const NO_DIFFERENCE: (u8, &str) = (0, "in place; with `--dry-run`: no differences");
const DIFFERENCES: (u8, &str) = (1, "with `--dry-run`: differences");
const REFUSED: (u8, &str) = (69, "refused: a person must act");
const LATER: (u8, &str) = (75, "not in place yet");
const PRINTED: (u8, &str) = (0, "printed");

const OF_PTR: &[(u8, &str)] = &[NO_DIFFERENCE, DIFFERENCES, REFUSED, LATER];
const OF_PTR_VALUE: &[(u8, &str)] = &[
    NO_DIFFERENCE,
    DIFFERENCES,
    (65, "the host name is wrong; nothing was attempted"),
    REFUSED,
    LATER,
];
const OF_ACME: &[(u8, &str)] = &[
    IN_PLACE,
    (65, "the name is too long"),
    REFUSED,
    (
        75,
        "not in place yet; with `--wait`: not seen by all name servers in time",
    ),
];
const OF_ZONE: &[(u8, &str)] = &[DONE, REFUSED, (75, "not in place yet, or not readable now")];
const OF_CATALOG: &[(u8, &str)] = &[DONE, REFUSED, LATER];
const OF_QUEUE: &[(u8, &str)] = &[
    DONE,
    (65, "there is no such job"),
    (
        69,
        "refused, or no backup can be written: a person must act",
    ),
    (75, "not in place yet, or the queue file failed"),
];
const OF_JOBS: &[(u8, &str)] = &[DONE, (65, "there is no such job")];

/// Returns the facts of a command by its words after `nsbridge`.
pub(super) fn facts_of(command: &str) -> &'static Facts {
    let mut all = FACTS.iter().chain(upkeep::FACTS);
    let found = all.find(|it| it.command == command);
    found.expect("a test goes through all commands")
}

/// The facts of each command.
const FACTS: &[Facts] = &[
    Facts {
        command: "",
        statuses: &[
            (
                0,
                "everything is in place; with `--dry-run`: no differences",
            ),
            (
                1,
                "with `--dry-run`: differences; `status`: a person must look",
            ),
            (65, "part of the input is wrong; the rest is in place"),
            (69, "a primary or a rule refuses: a person must act"),
            LATER,
        ],
        uses: Uses::Queue,
        examples: &[
            ("Deliver what Plesk sends:", "nsbridge plesk try.json"),
            (
                "Make a zone equal to a master file:",
                "nsbridge sync example.com example.com.db",
            ),
            ("See whether a person must act:", "nsbridge status"),
            (
                "Read the page of a code that a message has:",
                "nsbridge explain NB-CONNECTION-REFUSED",
            ),
        ],
        see_also: &["named.conf(5)", "nsupdate(1)"],
    },
    Facts {
        command: "plesk",
        statuses: &[
            NO_DIFFERENCE,
            DIFFERENCES,
            (65, "part of the input is wrong; the rest is in place"),
            REFUSED,
            LATER,
        ],
        uses: Uses::Queue,
        examples: &[
            (
                "Show what a call would change:",
                "nsbridge plesk --dry-run try.json",
            ),
            (
                "Make the call, from standard input as Plesk does:",
                "nsbridge plesk < try.json",
            ),
        ],
        see_also: &[
            "nsbridge-serve(1)",
            "nsbridge-status(1)",
            "nsbridge-queue(1)",
        ],
    },
    Facts {
        command: "sync",
        statuses: &[
            NO_DIFFERENCE,
            DIFFERENCES,
            (65, "a file is wrong: its zone was left alone"),
            REFUSED,
            LATER,
        ],
        uses: Uses::Queue,
        examples: &[
            (
                "Show how zone and file differ:",
                "nsbridge sync --dry-run example.com example.com.db",
            ),
            (
                "Make the zone equal to the file, and remove what others wrote:",
                "nsbridge sync --prune example.com example.com.db",
            ),
            (
                "Do so without a configuration:",
                "nsbridge sync --server 192.0.2.53 --key-file plesk.key example.com example.com.db",
            ),
            (
                "Deliver the zones of a folder whose files have changed, and delete those whose files are gone:",
                "nsbridge sync --all zones",
            ),
        ],
        see_also: &["nsbridge-zone-show(1)", "named-checkzone(1)"],
    },
    Facts::of_group("ptr", OF_PTR, Uses::Queue),
    Facts {
        command: "ptr add",
        statuses: OF_PTR_VALUE,
        uses: Uses::Queue,
        examples: &[
            (
                "Give an address a name:",
                "nsbridge ptr add 192.0.2.10 mail.example.com",
            ),
            (
                "Show what that would change:",
                "nsbridge ptr add --dry-run 2001:db8::10 mail.example.com",
            ),
        ],
        see_also: &[],
    },
    Facts {
        command: "ptr delete",
        statuses: OF_PTR_VALUE,
        uses: Uses::Queue,
        examples: &[(
            "Take the name away from the address:",
            "nsbridge ptr delete 192.0.2.10 mail.example.com",
        )],
        see_also: &[],
    },
    Facts {
        command: "ptr sync",
        statuses: OF_PTR,
        uses: Uses::Queue,
        examples: &[
            (
                "Show which PTR records the addresses of a zone lack:",
                "nsbridge ptr sync --dry-run example.com",
            ),
            (
                "Add them, and remove old ones that others added:",
                "nsbridge ptr sync --prune example.com",
            ),
        ],
        see_also: &[],
    },
    Facts::of_group("acme", OF_ACME, Uses::Queue),
    Facts {
        command: "acme add",
        statuses: OF_ACME,
        uses: Uses::Queue,
        examples: &[
            (
                "Add a challenge, and wait until a server has it:",
                "nsbridge acme add --wait-on 192.0.2.53 example.com gfj9Xq-Rg85nM",
            ),
            (
                "Add a value that begins with a hyphen:",
                "nsbridge acme add -- example.com -x1yz",
            ),
        ],
        see_also: &["certbot(1)"],
    },
    Facts {
        command: "acme delete",
        statuses: OF_ACME,
        uses: Uses::Queue,
        examples: &[(
            "Remove the challenge:",
            "nsbridge acme delete example.com gfj9Xq-Rg85nM",
        )],
        see_also: &["certbot(1)"],
    },
    Facts::of_group("zone", OF_ZONE, Uses::Queue),
    Facts {
        command: "zone create",
        statuses: &[
            DONE,
            (
                65,
                "the name of a name server is wrong; nothing was attempted",
            ),
            REFUSED,
            LATER,
        ],
        uses: Uses::Queue,
        examples: &[(
            "Create a zone with two name servers:",
            "nsbridge zone create --nameserver ns1.example.org --nameserver ns2.example.org shop.example",
        )],
        see_also: &[],
    },
    Facts {
        command: "zone delete",
        statuses: &[DONE, REFUSED, LATER],
        uses: Uses::Queue,
        examples: &[("Delete a zone:", "nsbridge zone delete shop.example")],
        see_also: &[],
    },
    Facts {
        command: "zone adopt",
        statuses: &[DONE, DIFFERENCES, REFUSED, LATER],
        uses: Uses::Queue,
        examples: &[
            (
                "Let this installation manage a zone that was there before:",
                "nsbridge zone adopt example.org",
            ),
            (
                "Take over all zones of an installation that does not exist any more:",
                "nsbridge zone adopt --from plesk01 --all",
            ),
            (
                "Show which records of its former owner the next delivery may remove:",
                "nsbridge zone adopt --prune --dry-run example.org",
            ),
        ],
        see_also: &["nsbridge-zone-list(1)"],
    },
    Facts {
        command: "zone list",
        statuses: &[
            (0, "listed"),
            REFUSED,
            (75, "a catalog is not readable now"),
        ],
        uses: Uses::Queue,
        examples: &[
            ("List the zones:", "nsbridge zone list"),
            (
                "List them for a program:",
                "nsbridge zone list --output json",
            ),
        ],
        see_also: &[],
    },
    Facts {
        command: "zone show",
        statuses: &[PRINTED, REFUSED, (75, "not readable now")],
        uses: Uses::Queue,
        examples: &[
            (
                "Save a zone as a master file:",
                "nsbridge zone show example.com > example.com.db",
            ),
            (
                "Show a zone without a configuration:",
                "nsbridge zone show --server 192.0.2.53 --key-file plesk.key example.com",
            ),
        ],
        see_also: &[],
    },
    Facts::of_group("catalog", OF_CATALOG, Uses::Configuration),
    Facts {
        command: "catalog upgrade",
        statuses: OF_CATALOG,
        uses: Uses::Configuration,
        examples: &[
            ("Upgrade all catalogs:", "nsbridge catalog upgrade"),
            (
                "Upgrade that of one primary:",
                "nsbridge catalog upgrade --primary main",
            ),
        ],
        see_also: &["nsbridge-zone-list(1)"],
    },
    Facts {
        command: "queue",
        statuses: OF_QUEUE,
        uses: Uses::Queue,
        examples: &[],
        see_also: &["nsbridge-serve(1)", "nsbridge-status(1)"],
    },
    Facts {
        command: "queue list",
        statuses: &[(0, "listed")],
        uses: Uses::Queue,
        examples: &[
            ("List the jobs:", "nsbridge queue list"),
            (
                "List them for a program:",
                "nsbridge queue list --output json",
            ),
        ],
        see_also: &[],
    },
    Facts {
        command: "queue show",
        statuses: OF_JOBS,
        uses: Uses::Queue,
        examples: &[(
            "Show what a job is to deliver:",
            "nsbridge queue show example.com",
        )],
        see_also: &[],
    },
    Facts {
        command: "queue retry",
        statuses: &[IN_PLACE, (65, "there is no such job"), REFUSED, LATER],
        uses: Uses::Queue,
        examples: &[
            ("Try one job now:", "nsbridge queue retry example.com"),
            (
                "Try all, also those that the limits on removals hold:",
                "nsbridge queue retry --all --force",
            ),
        ],
        see_also: &[],
    },
    Facts {
        command: "queue drop",
        statuses: &[
            DONE,
            (65, "there is no such job"),
            (75, "a job is in hand: it goes after this attempt"),
        ],
        uses: Uses::Queue,
        examples: &[("Give up a change:", "nsbridge queue drop example.com")],
        see_also: &[],
    },
    Facts {
        command: "queue backup",
        statuses: &[
            (0, "FILE is a whole copy"),
            (64, "wrong usage, or FILE is the queue file"),
            (69, "FILE cannot be written: a person must act"),
            (75, "another process writes a backup to FILE"),
        ],
        uses: Uses::Queue,
        examples: &[(
            "Back up the queue file, at any time:",
            "nsbridge queue backup /root/queue.db",
        )],
        see_also: &[],
    },
    Facts {
        command: "serve",
        statuses: &[
            (0, "ended by a signal, or with `--once`"),
            (69, "another worker has the queue"),
            (75, "the queue file failed"),
        ],
        uses: Uses::Queue,
        examples: &[
            ("Work until a signal ends it:", "nsbridge serve"),
            (
                "Deliver what is due, from a cron job:",
                "nsbridge serve --once",
            ),
        ],
        see_also: &[
            "nsbridge-queue(1)",
            "nsbridge-status(1)",
            "systemd.service(5)",
        ],
    },
    Facts {
        command: "status",
        statuses: &[
            (0, "all is well"),
            (1, "a person must look at the lines that begin with `!`"),
        ],
        uses: Uses::Queue,
        examples: &[
            ("Look at everything:", "nsbridge status"),
            ("Look at it by a program:", "nsbridge status --output json"),
        ],
        see_also: &["nsbridge-check(1)", "nsbridge-queue(1)"],
    },
    Facts {
        command: "check",
        statuses: &[
            (0, "nothing failed"),
            (69, "something failed: a person must act"),
            (75, "a primary cannot be reached now"),
        ],
        uses: Uses::Queue,
        examples: &[
            ("Check all that a delivery needs:", "nsbridge check"),
            (
                "Check a zone, and print only what fails:",
                "nsbridge check -q example.com",
            ),
            (
                "Also create a zone and delete it:",
                "nsbridge check --create",
            ),
        ],
        see_also: &["nsbridge-config-check(1)", "nsbridge-status(1)"],
    },
    Facts {
        command: "nsupdate",
        statuses: &[
            (0, "all updates were done"),
            (1, "wrong usage, a wrong line, no server or no zone"),
            (2, "an update was not done"),
        ],
        uses: Uses::OfNsupdate,
        examples: &[
            ("Run a script:", "nsbridge nsupdate -k plesk.key script.txt"),
            (
                "Type commands to a server, over TCP:",
                "nsbridge nsupdate -v -k plesk.key",
            ),
            (
                "Let the queue deliver a script:",
                "nsbridge nsupdate --durable records.txt",
            ),
        ],
        see_also: &["nsupdate(1)", "nsbridge-queue(1)"],
    },
    Facts {
        command: "config",
        statuses: &[(0, "valid, or printed")],
        uses: Uses::Configuration,
        examples: &[],
        see_also: &["nsbridge-check(1)"],
    },
    Facts {
        command: "config template",
        statuses: &[PRINTED],
        uses: Uses::Nothing,
        examples: &[(
            "Begin a configuration:",
            "nsbridge config template > nsbridge.toml",
        )],
        see_also: &["nsbridge.toml(5)"],
    },
    Facts {
        command: "config check",
        statuses: &[(0, "valid")],
        uses: Uses::Configuration,
        examples: &[("Check a changed configuration:", "nsbridge config check")],
        see_also: &["nsbridge-check(1)"],
    },
    Facts {
        command: "explain",
        statuses: &[PRINTED, (64, "there is no such code, or wrong usage")],
        uses: Uses::Nothing,
        examples: &[
            (
                "Read the page of a code:",
                "nsbridge explain NB-CONNECTION-REFUSED",
            ),
            (
                "Find a code by a word:",
                "nsbridge explain | grep -i transfer",
            ),
        ],
        see_also: &[],
    },
    Facts {
        command: "man",
        statuses: &[
            (0, "written"),
            (69, "a page cannot be written: a person must act"),
        ],
        uses: Uses::Nothing,
        examples: &[
            ("Write the pages:", "nsbridge man --directory pages"),
            ("Read one of them:", "man -l pages/nsbridge-plesk.1"),
        ],
        see_also: &["man(1)"],
    },
    Facts {
        command: "completions",
        statuses: &[PRINTED],
        uses: Uses::Nothing,
        examples: &[(
            "Complete commands and options in this bash:",
            "eval \"$(nsbridge completions bash)\"",
        )],
        see_also: &["bash(1)"],
    },
];
