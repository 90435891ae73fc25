//! Folders of master files, and configurations that list zones: `nsbridge sync --all`.

use super::entry::{Class, entries, hint};

entries! {
    SOURCE_UNREADABLE {
        code: "NB-SOURCE-UNREADABLE",
        class: Class::Input,
        text: "cannot read `{path}`: {source}",
        hints: hint!("see whether it is mounted, and may be read by the user that nsbridge runs as"),
        page: "`nsbridge sync --all` cannot read the folder, the configuration, a file that it includes, or the file of a zone. \
               If it is the file of a zone, that zone alone is left as it is. If it is anything else, nothing was attempted: \
               zones that cannot be seen must not be taken for deleted ones.",
    }
    SOURCE_EMPTY {
        code: "NB-SOURCE-EMPTY",
        class: Class::Input,
        text: "`{path}` lists no zone",
        hints: hint!("see whether it is mounted; `nsbridge zone delete ZONE` deletes the last zone"),
        page: "The folder has no file NAME.db, NAME.zone, pri.NAME or db.NAME, or the configuration has no primary zone but those that each name server has for itself. \
               Nothing was attempted: a folder that is not mounted must not delete all zones. To delete the last zone of a folder, use `nsbridge zone delete`.",
    }
    SOURCE_BUSY {
        code: "NB-SOURCE-BUSY",
        class: Class::Unkept,
        text: "another `nsbridge sync --all` is reading its zones for {seconds} s",
        hints: hint!("run it again when that one is done"),
        page: "Runs of `nsbridge sync --all` read their files one after the other, so that no older contents of a file replace newer ones. They deliver at the same time.",
    }
    NAMED_CONF_INVALID {
        code: "NB-NAMED-CONF-INVALID",
        class: Class::Input,
        text: "{file}:{line}: {problem}",
        hints: hint!("`named-checkconf` reads the same format"),
        page: "The configuration is not one that BIND reads. Nothing was attempted: zones after the error cannot be seen, and must not be taken for deleted ones.",
    }
    ZONE_LISTED_TWICE {
        code: "NB-ZONE-LISTED-TWICE",
        class: Class::Input,
        text: "two files: `{first}` and `{second}`",
        hints: hint!("leave one of them, or deliver it by `nsbridge sync ZONE FILE`"),
        page: "The folder has two files for the zone, or the views of the configuration have different ones. nsbridge leaves the zone as it is: a zone has one contents on its primary.",
    }
    ZONE_STATEMENT_INCOMPLETE {
        code: "NB-ZONE-STATEMENT-INCOMPLETE",
        class: Class::Input,
        text: "{file}:{line}: the zone has no `{option}`",
        hints: hint!("add it, or deliver the zone by `nsbridge sync ZONE FILE`"),
        page: "BIND refuses such a zone, unless a template has the option, which nsbridge does not read. nsbridge leaves the zone as it is.",
    }
    ZONE_NAME_INVALID {
        code: "NB-ZONE-NAME-INVALID",
        class: Class::Input,
        text: "`{name}` is no domain name: {source}",
        hints: hint!("correct the name, or move the file away"),
        page: "The name of a file, without what stands before or after the name of the zone, or the name of a zone in the configuration is no domain name.",
    }
    FILE_NAME_AMBIGUOUS {
        code: "NB-FILE-NAME-AMBIGUOUS",
        class: Class::Input,
        text: "`{path}` is the file of `{first}` or `{second}`",
        hints: hint!("give `--all` the named.conf instead"),
        page: "In the name of the file, both its start (`pri.`, `db.`) and its end (`.zone`) may stand beside the name of the zone or be part of it. nsbridge leaves both zones as they are.",
    }
    ZONE_FILE_INCOMPLETE {
        code: "NB-ZONE-FILE-INCOMPLETE",
        class: Class::Input,
        text: "`{file}` has no {rtype} record of the zone",
        hints: hint!("was it written whole? `named-checkzone` requires the record, too"),
        page: "A name server does not load such a file. It may be empty, or half-written. `nsbridge sync --all` leaves the zone as it is. `nsbridge sync ZONE FILE` takes the file.",
    }
    ZONES_GONE {
        code: "NB-ZONES-GONE",
        class: Class::Permanent,
        text: "{count} zones are gone from `{path}`; the limit is {limit}",
        hints: hint!("find the missing files, or give `--force`"),
        page: "More zones that `nsbridge sync --all` delivered from there are gone than may be deleted within an hour (`deletions-max-per-hour`). So nsbridge deletes none of them, in no run: perhaps files are missing, or a part of them is not mounted. \
               If they are to be deleted, `--force` deletes them. All other zones are delivered.",
    }
    ZONE_LISTED_ELSEWHERE {
        code: "NB-ZONE-LISTED-ELSEWHERE",
        class: Class::Remark,
        text: "gone from `{path}`; it stays, as `{other}` lists it",
        hints: hint!("`nsbridge zone delete {zone}` deletes it"),
        page: "Another folder or configuration that `nsbridge sync --all` reads had the zone when it was read last. The zone stays until it is gone from there, too.",
    }
}
