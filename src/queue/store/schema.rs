//! The schema of the file, and the steps that bring an older file to it.

use rusqlite::{Connection, ffi};

use super::check_sum::{accepted_sum, job_sum, ptr_sum, zone_sum};
use super::error::damage;
use super::sql::first;

/// The steps of the schema, one for each version; steps are only ever appended.
pub(super) const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE zone (
        id         INTEGER PRIMARY KEY,
        primary_   TEXT NOT NULL,    -- its name in the configuration
        name       TEXT NOT NULL,    -- lower case, with the final dot
        origin     INTEGER NOT NULL, -- 0 found, 1 being made, 2 made by this instance
        guard      INTEGER NOT NULL, -- 0 by SOA, 1 by RRsets
        generation INTEGER NOT NULL, -- moves on with every change
        UNIQUE (primary_, name)
    ) STRICT;
    CREATE TABLE delivered (
        zone  INTEGER NOT NULL REFERENCES zone (id) ON DELETE CASCADE,
        owner BLOB NOT NULL,         -- wire form, lower case
        type  INTEGER NOT NULL,
        rdata BLOB NOT NULL,         -- canonical wire form
        PRIMARY KEY (zone, owner, type, rdata)
    ) STRICT, WITHOUT ROWID;
",
    "
    -- In seconds, where the record is known to have arrived and the zone is read from here.
    ALTER TABLE delivered ADD COLUMN ttl INTEGER;
",
    "
    -- Of the SOA: 0 can be set, 1 stays what it is.
    ALTER TABLE zone ADD COLUMN soa_ttl INTEGER NOT NULL DEFAULT 0;
",
    "
    CREATE TABLE job (
        id          INTEGER PRIMARY KEY AUTOINCREMENT, -- another one with each newer intent
        key         TEXT NOT NULL UNIQUE,              -- a zone; an address with its host name
        primary_    TEXT NOT NULL,    -- by whose name it waits; empty where no route leads
        stage       INTEGER NOT NULL, -- 0 zones, 1 PTR values, which may need the zones
        intent      TEXT NOT NULL,    -- JSON
        octets      INTEGER NOT NULL, -- of the intent
        state       INTEGER NOT NULL, -- 0 waiting, 1 held
        forced      INTEGER NOT NULL, -- 1 where a person lets it pass the guard against mass loss
        enqueued_at INTEGER NOT NULL, -- seconds since 1970, as all times
        attempts    INTEGER NOT NULL,
        next_at     INTEGER NOT NULL,
        updated_at  INTEGER NOT NULL,
        cause       TEXT,             -- of the last failure
        hint        TEXT,
        claim       TEXT              -- of the process that delivers it
    ) STRICT;
    CREATE INDEX job_waiting ON job (primary_, stage, id, next_at, updated_at)
        WHERE state = 0 AND claim IS NULL;
    CREATE INDEX job_claimed ON job (claim) WHERE claim IS NOT NULL;
    CREATE TABLE accepted (
        zone        TEXT PRIMARY KEY,
        serial      INTEGER NOT NULL, -- of the newest intent
        accepted_at INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
",
    "
    -- PTR values that were added here. They are kept apart from `delivered`: who delivers a whole reverse
    -- zone shall not take them away.
    CREATE TABLE ptr (
        primary_ TEXT NOT NULL,
        address  TEXT NOT NULL,
        hostname TEXT NOT NULL, -- lower case
        PRIMARY KEY (primary_, address, hostname)
    ) STRICT, WITHOUT ROWID;
",
    "
    ALTER TABLE job ADD COLUMN reason TEXT; -- of the last failure: code and data, JSON
    UPDATE job SET reason = json_object('code', 'NB-EARLIER-VERSION',
            'data', json_object('reason', cause, 'advice', coalesce(hint, '')))
        WHERE cause IS NOT NULL;
    ALTER TABLE job DROP COLUMN cause;
    ALTER TABLE job DROP COLUMN hint;
    -- The last success and failure of each primary.
    CREATE TABLE contact (
        primary_     TEXT PRIMARY KEY,
        succeeded_at INTEGER,
        failed_at    INTEGER,
        reason       TEXT,   -- of the failure, as in `job`
        is_silent    INTEGER -- 1 if it was a timeout
    ) STRICT, WITHOUT ROWID;
",
    concat!(
        "
    -- Parts of a zone that its primary refuses or ignores: sent again if the context changes, or after some hours.
    CREATE TABLE refused (
        zone     INTEGER NOT NULL REFERENCES zone (id) ON DELETE CASCADE,
        owner    BLOB NOT NULL,    -- wire form
        type     INTEGER,          -- all types if NULL
        rdata    BLOB,             -- all data if NULL
        context  INTEGER NOT NULL, -- a digest of what the refusal depends on
        report   TEXT NOT NULL,    -- code and data, JSON
        tried_at INTEGER NOT NULL
    ) STRICT;
    CREATE INDEX refused_of_zone ON refused (zone);
    -- The last serial that is known of it, once it was changed from here.
    ALTER TABLE zone ADD COLUMN serial INTEGER;
    -- Key tags of its DNSKEY records when it was last read, separated by spaces; empty if it had none.
    ALTER TABLE zone ADD COLUMN key_tags TEXT NOT NULL DEFAULT '';
    -- A held job is attempted again at that time, which may be never.
    UPDATE job SET next_at = 9223372036854775807 WHERE state = 1;
    CREATE INDEX job_held ON job (next_at) WHERE state = 1;
    CREATE INDEX job_due ON job (next_at) WHERE state = 0 AND claim IS NULL;
    CREATE INDEX job_updated ON job (updated_at) WHERE state = 0 AND claim IS NULL;
    -- The command that brought the intent, and its process.
    ALTER TABLE job ADD COLUMN caller TEXT NOT NULL DEFAULT '';
    -- 1 if the intent is to be put in place again whole, as before, 2 if records of others are to go as well.
    ALTER TABLE job ADD COLUMN repairs INTEGER NOT NULL DEFAULT 0;
    -- Check sums: of the intent, and of all other columns but the claim.
    ALTER TABLE job ADD COLUMN intent_sum INTEGER;
    ALTER TABLE job ADD COLUMN own_sum INTEGER;
    UPDATE job SET intent_sum = check_sum(intent);
    UPDATE job SET own_sum = ",
        job_sum!(),
        ";
    -- They are learnt anew: the table `learnt` has them.
    ALTER TABLE zone DROP COLUMN guard;
    ALTER TABLE zone DROP COLUMN soa_ttl;
    -- A second witness of which zones there are: a bit that flips in one index does not hide a zone.
    CREATE INDEX zone_of_name ON zone (name, primary_);
    -- Check sums: of owner, type and data of the records in `delivered`, and of all other columns of the zone.
    ALTER TABLE zone ADD COLUMN records_sum INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE zone ADD COLUMN records INTEGER NOT NULL DEFAULT 0; -- how many there are in `delivered`
    ALTER TABLE zone ADD COLUMN own_sum INTEGER;
    -- The zone as the last delivery left it, by which an equal one is known to have nothing to do; NULL if the state has
    -- changed since, or something is left to do. It has no check sum: if octets flip, it fits nothing, or its age is another.
    ALTER TABLE zone ADD COLUMN settled BLOB;
    UPDATE zone SET records_sum = (SELECT coalesce(sum_of_sums(check_sum(owner, type, rdata)), 0)
            FROM delivered WHERE delivered.zone = zone.id);
    UPDATE zone SET records = (SELECT count(*) FROM delivered WHERE delivered.zone = zone.id);
    UPDATE zone SET own_sum = ",
        zone_sum!(),
        ";
    ALTER TABLE accepted ADD COLUMN own_sum INTEGER;
    UPDATE accepted SET own_sum = ",
        accepted_sum!(),
        ";
    ALTER TABLE ptr ADD COLUMN own_sum INTEGER;
    UPDATE ptr SET own_sum = ",
        ptr_sum!(),
        ";
    -- How many transactions there were: the file beside this one tells if some of them are lost.
    CREATE TABLE progress (
        id      INTEGER PRIMARY KEY CHECK (id = 1),
        commits INTEGER NOT NULL
    ) STRICT;
    INSERT INTO progress (id, commits) VALUES (1, 0);
    -- Zones that were deleted or emptied within the last hour.
    CREATE TABLE deletion (
        primary_ TEXT NOT NULL,
        zone     TEXT NOT NULL,
        at       INTEGER NOT NULL, -- seconds since 1970
        PRIMARY KEY (primary_, zone)
    ) STRICT, WITHOUT ROWID;
    -- The last values of ACME challenges that were added here.
    CREATE TABLE challenge (
        id       INTEGER PRIMARY KEY, -- in the order of their addition
        primary_ TEXT NOT NULL,
        owner    TEXT NOT NULL, -- lower case, after CNAMEs
        value    BLOB NOT NULL, -- canonical wire form
        added_at INTEGER NOT NULL DEFAULT (unixepoch()),
        UNIQUE (primary_, owner, value)
    ) STRICT;
    -- What primaries were seen to do with updates. A row counts for a day, as long as the versions of nsbridge and of the
    -- server stay what they are; an unknown habit counts for nothing. A bit that flips here costs updates, not records:
    -- there is no check sum.
    CREATE TABLE learnt (
        primary_ TEXT NOT NULL,
        zone     TEXT NOT NULL,    -- empty for a habit of the primary as a whole
        key      TEXT NOT NULL,    -- its name, with the final dot; empty likewise
        habit    TEXT NOT NULL,
        value    INTEGER NOT NULL, -- 1 where the habit has none
        program  TEXT NOT NULL,    -- the version of nsbridge
        server   TEXT NOT NULL,    -- the version that the server tells, empty if none; for `serials`, its address
        at       INTEGER NOT NULL, -- seconds since 1970
        PRIMARY KEY (primary_, zone, key, habit)
    ) STRICT, WITHOUT ROWID;
    -- The catalogs of the primaries.
    CREATE TABLE catalog (
        primary_ TEXT NOT NULL,
        zone     TEXT NOT NULL,
        serial   INTEGER NOT NULL, -- the latest that it is known to have had
        own_sum  INTEGER,
        PRIMARY KEY (primary_, zone)
    ) STRICT, WITHOUT ROWID;
    -- The zones that `sync --all` delivered, by the folder or configuration that lists them.
    CREATE TABLE listed (
        source  BLOB NOT NULL, -- its canonical path
        zone    TEXT NOT NULL, -- the key of its jobs
        file    BLOB,          -- its file; NULL if the zone is to be deleted
        digest  BLOB,          -- of what was sent; empty if it is to be sent again, NULL if the zone is to be deleted
        job     INTEGER,       -- that is to put it in place; NULL if it is
        own_sum INTEGER,
        PRIMARY KEY (source, zone)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX listed_by_zone ON listed (zone);
    CREATE INDEX listed_by_job ON listed (job) WHERE job IS NOT NULL;
    -- The intents that were put in place, to compare the primaries with and to bring them back from.
    CREATE TABLE wanted (
        key        TEXT PRIMARY KEY,  -- of its jobs
        primary_   TEXT NOT NULL,
        stage      INTEGER NOT NULL,
        intent     TEXT NOT NULL,     -- JSON
        at         INTEGER NOT NULL,  -- when it was put in place, in seconds since 1970
        gone_at    INTEGER,           -- when a deletion was put in place of it; NULL if it is wanted
        audited_at INTEGER NOT NULL DEFAULT 0,
        finding    TEXT,              -- of the last audit: JSON; NULL if there was none
        is_old     INTEGER NOT NULL DEFAULT 0, -- 1 if something newer may be in place: of a copy that was put back
        own_sum    INTEGER            -- of key, primary, stage, intent and gone_at
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX wanted_to_audit ON wanted (audited_at, key) WHERE gone_at IS NULL;
    CREATE INDEX wanted_gone ON wanted (gone_at) WHERE gone_at IS NOT NULL;
    CREATE INDEX wanted_differing ON wanted (key) WHERE finding IS NOT NULL;
    -- What was done, and why something could not be done, for people.
    CREATE TABLE event (
        id       INTEGER PRIMARY KEY AUTOINCREMENT,
        at       INTEGER NOT NULL, -- seconds since 1970
        key      TEXT NOT NULL,    -- of the job
        primary_ TEXT NOT NULL,
        caller   TEXT NOT NULL,
        done     TEXT,             -- what was done; NULL if nothing was
        reason   TEXT              -- code and data, JSON; NULL if all was done
    ) STRICT;
    CREATE INDEX event_of_key ON event (key, id);
    -- Records that were delivered and removed again: they are still known if a primary is restored from an older copy.
    CREATE TABLE removed (
        zone       INTEGER NOT NULL REFERENCES zone (id) ON DELETE CASCADE,
        owner      BLOB NOT NULL,    -- as in `delivered`
        type       INTEGER NOT NULL,
        rdata      BLOB NOT NULL,
        removed_at INTEGER NOT NULL DEFAULT (unixepoch()),
        own_sum    INTEGER,          -- of zone, owner, type and rdata
        PRIMARY KEY (zone, owner, type, rdata)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX removed_by_time ON removed (removed_at);
    -- The catalogs as they were last seen: they are brought back with the same labels, so that no consumer drops a zone.
    CREATE TABLE member (
        primary_ TEXT NOT NULL,
        catalog  TEXT NOT NULL,
        zone     TEXT NOT NULL,
        claim    BLOB NOT NULL,    -- the data of its record
        listed   INTEGER NOT NULL, -- 1 if consumers see the zone
        own_sum  INTEGER,          -- of all of these
        PRIMARY KEY (primary_, catalog, zone)
    ) STRICT, WITHOUT ROWID;
    -- The epochs of this instance in the catalogs: those that were written from this file, or were about to be, and that
    -- of another machine. A bit that flips here costs an operator's look, and no record: there is no check sum.
    CREATE TABLE epoch (
        id       INTEGER PRIMARY KEY AUTOINCREMENT,
        primary_ TEXT NOT NULL,
        catalog  TEXT NOT NULL,
        value    BLOB NOT NULL,    -- the data of its record
        is_ours  INTEGER NOT NULL, -- 0 if another machine wrote it, and was not found to be gone since
        UNIQUE (primary_, catalog, value)
    ) STRICT;
"
    ),
];

/// Returns a step without its comments: the file keeps the text of each table, which every process that opens it parses.
pub(super) fn without_comments(step: &str) -> String {
    let lines = step.lines();
    let code = lines.map(|line| line.split_once("--").map_or(line, |(code, _)| code).trim());
    code.filter(|it| !it.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// Refuses a schema with objects of kinds that nsbridge does not create: what they do, another user has decided.
pub(super) fn check_schema(connection: &Connection) -> rusqlite::Result<()> {
    let find = "SELECT type || ' `' || name || '`' FROM sqlite_schema
                WHERE type NOT IN ('table', 'index') OR rootpage = 0 LIMIT 1";
    let found: Option<String> = first(connection, find, [], |row| row.get(0))?;
    found.map_or(Ok(()), |object| {
        Err(damage(&format!("it has the {object}")))
    })
}

/// Returns the version of the schema. One that no release will have is an error.
pub(super) fn schema_version(connection: &Connection) -> rusqlite::Result<usize> {
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let version = u16::try_from(version)
        .map_err(|_| rusqlite::Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_CORRUPT), None))?;
    Ok(version.into())
}
