//! Sends the UPDATEs that nsbridge would send for a payload, or a query for the SOA record of each
//! zone in it, over a number of connections, and does nothing else while the clock runs.
//!
//! `testenv/bench` runs it to measure the highest rate at which a server answers those messages.
//! The program reads the zones, plans, encodes and signs before the clock starts, and verifies the
//! responses after it has stopped. It writes no state, so it must not be used for real deliveries.

mod clock;

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use nsbridge::config::keyfile;
use nsbridge::model::{
    CurrentZone, DesiredZone, ForeignRecords, Intent, RecordType, RrSets, Scope, ZoneName,
};
use nsbridge::payload;
use nsbridge::plan::{self, Abilities, Prerequisites};
use nsbridge::wire::{
    self, Expected, Key, Opcode, Progress, Rcode, Reply, RequestMac, TransferReader,
};

use clock::now;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;
/// Responses with their ids.
type Responses = Vec<(u16, Vec<u8>)>;

const USAGE: &str =
    "usage: blaster SERVER:PORT KEY-FILE KEY PAYLOAD update|soa CONNECTIONS IN-FLIGHT
Sends the UPDATEs of a payload whose zones exist, or a query for the SOA record of each of them,
IN-FLIGHT at a time on each of CONNECTIONS. Prints how many zones and how many seconds that were.";

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let text = match &arguments[..] {
        [server, key_file, key, payload, what, connections, in_flight] => {
            let server = server.parse()?;
            let key = keyfile::read_key(Path::new(key_file), key)?;
            let payload = std::fs::read(payload)?;
            let (opcode, requests) = match what.as_str() {
                "update" => (Opcode::Update, updates(server, &key, &payload)?),
                "soa" => (Opcode::Query, soa_queries(&key, &payload)?),
                _ => return Err(USAGE.into()),
            };
            let (seconds, responses) =
                send_all(server, &requests, connections.parse()?, in_flight.parse()?)?;
            for (id, response) in &responses {
                let request = &requests[usize::from(*id)];
                verify(request, opcode, *id, response, &key)?;
            }
            if responses.len() != requests.len() {
                return Err("not every request was answered".into());
            }
            format!("{} {seconds:.6}", responses.len())
        }
        // `cargo bench` runs every benchmark with `--bench`.
        [] => USAGE.into(),
        [flag] if flag == "--bench" => USAGE.into(),
        _ => return Err(USAGE.into()),
    };
    writeln!(std::io::stdout(), "{text}")?;
    Ok(())
}

/// A signed message as a TCP frame, and its MAC.
struct Request {
    frame: Vec<u8>,
    mac: RequestMac,
}

impl Request {
    fn sign(mut message: Vec<u8>, key: &Key) -> Outcome<Self> {
        let mac = wire::sign_request(&mut message, key, now())?;
        let frame = frame(&message)?;
        Ok(Self { frame, mac })
    }
}

/// The zones of a payload.
fn zones(payload: &[u8]) -> Outcome<Vec<DesiredZone>> {
    let commands = payload::parse(payload)?.commands.into_iter();
    commands
        .map(|command| match command.intent {
            Intent::Zone(desired) => Ok(desired),
            Intent::ZoneAbsent(_) | Intent::Ptr(_) | Intent::Record(_) => {
                Err("the payload may only create and update zones".into())
            }
        })
        .collect()
}

/// Reads the zones of a payload and encodes one UPDATE for each. A request's id is its index.
fn updates(server: SocketAddr, key: &Key, payload: &[u8]) -> Outcome<Vec<Request>> {
    let nothing = RrSets::default();
    let scope = Scope {
        foreign: ForeignRecords::Keep,
        keep: &[],
        managed: &nothing,
    };
    let octets_max = usize::from(u16::MAX) - wire::tsig_octets(key);
    let mut stream = TcpStream::connect(server)?;
    let mut requests = Vec::new();
    for desired in zones(payload)? {
        let current = transfer(&mut stream, &desired.name, key)?;
        let plan = plan::plan(&current, &desired, &scope);
        let batches = plan::batches(
            &plan,
            &current,
            Prerequisites::Soa,
            &Abilities::default(),
            octets_max,
        )?;
        let [batch] = &batches[..] else {
            return Err(format!("{} needs {} messages", desired.name, batches.len()).into());
        };
        let message = wire::encode_update(batch, u16::try_from(requests.len())?)?;
        requests.push(Request::sign(message, key)?);
    }
    Ok(requests)
}

/// Encodes a query for the SOA record of each zone of a payload. A request's id is its index.
fn soa_queries(key: &Key, payload: &[u8]) -> Outcome<Vec<Request>> {
    (zones(payload)?.iter().enumerate())
        .map(|(index, zone)| {
            let id = u16::try_from(index)?;
            let message = wire::encode_query(zone.name.apex(), RecordType::SOA, id);
            Request::sign(message, key)
        })
        .collect()
}

/// Reads a zone by AXFR (RFC 5936).
fn transfer(stream: &mut TcpStream, zone: &ZoneName, key: &Key) -> Outcome<CurrentZone> {
    let mut message = wire::encode_query(zone.apex(), RecordType::AXFR, 0);
    let mac = wire::sign_request(&mut message, key, now())?;
    stream.write_all(&frame(&message)?)?;
    let mut reader = TransferReader::new(zone, 0, Some((key.clone(), mac)));
    while reader.push(&receive(stream)?, now())? == Progress::More {}
    Ok(reader.finish()?)
}

/// Sends all requests; returns the elapsed seconds and the responses.
fn send_all(
    server: SocketAddr,
    requests: &[Request],
    connections: usize,
    in_flight: usize,
) -> Outcome<(f64, Responses)> {
    let next = AtomicUsize::new(0);
    let ready = Barrier::new(connections + 1);
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..connections)
            .map(|_| {
                scope.spawn(|| {
                    let stream = TcpStream::connect(server);
                    ready.wait();
                    let mut stream = stream?;
                    stream.set_nodelay(true)?;
                    send_pipelined(&mut stream, requests, &next, in_flight)
                })
            })
            .collect();
        ready.wait();
        let started = Instant::now();
        let mut responses = Vec::new();
        for thread in threads {
            responses.extend(thread.join().map_err(|_| "a thread panicked")??);
        }
        Ok((started.elapsed().as_secs_f64(), responses))
    })
}

/// Sends the next request until all are sent, with up to `in_flight` requests without a response.
fn send_pipelined(
    stream: &mut TcpStream,
    requests: &[Request],
    next: &AtomicUsize,
    in_flight: usize,
) -> Outcome<Responses> {
    let mut responses = Vec::new();
    let mut sent = 0;
    loop {
        while sent < responses.len() + in_flight {
            let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) else {
                break;
            };
            stream.write_all(&request.frame)?;
            sent += 1;
        }
        if sent == responses.len() {
            return Ok(responses);
        }
        let response = receive(stream)?;
        let id = response.first_chunk().ok_or("an answer without an id")?;
        responses.push((u16::from_be_bytes(*id), response));
    }
}

fn verify(request: &Request, opcode: Opcode, id: u16, response: &[u8], key: &Key) -> Outcome<()> {
    let expected = Expected {
        id,
        opcode,
        key: Some((key, &request.mac)),
    };
    let reply = wire::read_reply(response, &expected, now());
    if matches!(&reply, Reply::Authentic(response) if response.rcode == Rcode::NOERROR) {
        Ok(())
    } else {
        Err(format!("a message was answered with {reply:?}").into())
    }
}

fn frame(message: &[u8]) -> Outcome<Vec<u8>> {
    let length = u16::try_from(message.len())?;
    Ok([&length.to_be_bytes(), message].concat())
}

fn receive(stream: &mut TcpStream) -> Outcome<Vec<u8>> {
    let mut length = [0; 2];
    stream.read_exact(&mut length)?;
    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
    stream.read_exact(&mut message)?;
    Ok(message)
}
