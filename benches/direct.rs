//! Delivers a payload as `nsbridge plesk` does, but without the queue: it writes, takes and settles
//! no jobs.
//!
//! `testenv/bench` runs it to measure the cost of the queue. Everything else is the library of
//! nsbridge, the state included, which is durable before the first message here too. Changes that
//! fail are lost, so this program must not be used for real deliveries.

mod clock;

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use nsbridge::config::keyfile;
use nsbridge::deliver::{Done, Engine, Policy, Primary, Routes};
use nsbridge::payload;
use nsbridge::queue::{Access, StoreThread};
use tokio::time::Instant;

use clock::now;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The number of zones in flight that `testenv/bench` sets for nsbridge.
const ZONES_IN_FLIGHT: usize = 32;
const TIME_MAX: Duration = Duration::from_secs(600);

const USAGE: &str = "usage: direct SERVER:PORT KEY-FILE KEY MEMORY
Delivers the payload on standard input, and prints a line for each zone.";

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match &arguments[..] {
        [server, key_file, key, store] => {
            let server: SocketAddr = server.parse()?;
            let (host, port) = (server.ip().to_string(), server.port());
            let key = keyfile::read_key(Path::new(key_file), key)?;
            let primary = Primary::plain(host, port, key, ZONES_IN_FLIGHT);
            let routes = Routes::of_all(Rc::new(primary));
            let store_thread = StoreThread::start(Path::new(store), Access::ReadWrite)?;
            let mut input = Vec::new();
            std::io::stdin().lock().read_to_end(&mut input)?;
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()?;
            let lines = runtime.block_on(run(&input, &routes, &store_thread))?;
            store_thread.finish()?;
            std::io::stdout().write_all(lines.as_bytes())?;
        }
        // `cargo bench` runs every benchmark with `--bench`.
        [] => writeln!(std::io::stdout(), "{USAGE}")?,
        [flag] if flag == "--bench" => writeln!(std::io::stdout(), "{USAGE}")?,
        _ => return Err(USAGE.into()),
    }
    Ok(())
}

/// Delivers each zone, all at once; a line for each.
async fn run(
    input: &[u8],
    routes: &Routes,
    store_thread: &StoreThread,
) -> Result<String, Box<dyn Error>> {
    let payload = payload::parse(input)?;
    let policy = Policy::plain(now);
    let engine = Engine {
        routes,
        store: store_thread.store(),
        policy: &policy,
        overlay: None,
    };
    let deadline = Instant::now() + TIME_MAX;
    let mut running: FuturesUnordered<_> = (payload.commands.iter())
        .map(|command| engine.deliver(&command.intent, deadline))
        .collect();
    let mut lines = String::new();
    while let Some(delivered) = running.next().await {
        let is_updated = matches!(delivered.result?.done, Done::Updated(_));
        lines += if is_updated {
            "updated\n"
        } else {
            "otherwise\n"
        };
    }
    Ok(lines)
}
