//! Delivers a payload as `nsbridge plesk` does, and without the queue: no jobs are written, taken or settled.
//!
//! `testenv/bench` runs it for what the queue costs. All else is the same library, the memory of what was delivered
//! among it, which is durable before the first message here, too. What it cannot deliver is lost, so it is no way to
//! deliver anything.

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, SystemTime};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use nsbridge::config::keyfile;
use nsbridge::deliver::{
    self, Done, EmptyZone, ExistingPtr, Pool, Primary, PtrSettings, Read, Settings, UnownedZones,
    ZonesOfOthers,
};
use nsbridge::model::ForeignRecords;
use nsbridge::payload;
use nsbridge::queue::{Access, Keeper};
use nsbridge::transport::{Endpoint, Security};
use tokio::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What `testenv/bench` sets for nsbridge.
const ZONES_IN_FLIGHT: usize = 32;
const TIME_MAX: Duration = Duration::from_secs(600);

const USAGE: &str = "usage: direct SERVER:PORT KEY-FILE KEY MEMORY
Delivers the payload on standard input, and prints a line for each zone.";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [server, key_file, key, memory] => {
            let primary = primary(server.parse()?, Path::new(key_file), key)?;
            let keeper = Keeper::start(Path::new(memory), Access::ReadWrite)?;
            let mut input = Vec::new();
            std::io::stdin().lock().read_to_end(&mut input)?;
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let lines = runtime.block_on(run(&input, &primary, &keeper))?;
            keeper.finish()?;
            std::io::stdout().write_all(lines.as_bytes())?;
        }
        // `cargo bench` runs every bench, with `--bench`.
        [] => writeln!(std::io::stdout(), "{USAGE}")?,
        [flag] if flag == "--bench" => writeln!(std::io::stdout(), "{USAGE}")?,
        _ => return Err(USAGE.into()),
    }
    Ok(())
}

fn primary(server: SocketAddr, key_file: &Path, key: &str) -> Result<Primary, Box<dyn Error>> {
    let key = keyfile::read_key(key_file, key)?;
    Ok(Primary {
        name: "main".into(),
        endpoint: Endpoint {
            host: server.ip().to_string(),
            port: server.port(),
            security: Security::Tcp,
        },
        key: key.clone(),
        transfer_key: key,
        read: Read::Transfer,
        nameservers: Vec::new(),
        maker: None,
        catalog: None,
        pool: Pool::new(ZONES_IN_FLIGHT),
    })
}

/// Delivers each zone, all at once; a line for each.
async fn run(input: &[u8], primary: &Primary, keeper: &Keeper) -> Result<String, Box<dyn Error>> {
    let payload = payload::parse(input)?;
    let settings = settings();
    let deadline = Instant::now() + TIME_MAX;
    let mut running: FuturesUnordered<_> = (payload.commands.iter())
        .map(|command| {
            deliver::deliver(
                &command.intent,
                primary,
                keeper.memory(),
                &settings,
                deadline,
            )
        })
        .collect();
    let mut lines = String::new();
    while let Some(delivered) = running.next().await {
        let is_updated = matches!(delivered?.done, Done::Updated(_));
        lines += if is_updated {
            "updated\n"
        } else {
            "otherwise\n"
        };
    }
    Ok(lines)
}

/// As without any policy in the configuration.
fn settings() -> Settings {
    Settings {
        foreign: ForeignRecords::Keep,
        keep: Vec::new(),
        deny_zones: Vec::new(),
        empty_zone: EmptyZone::Refuse,
        unowned_zones: UnownedZones::Adopt,
        removals_percent_max: None,
        ptr: PtrSettings {
            networks: Vec::new(),
            existing: ExistingPtr::Add,
            ttl: 3_600,
            zones_of_others: ZonesOfOthers::Refuse,
        },
        clock: now,
    }
}

/// Seconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "a program of its own, which signs with the time"
)]
fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
