//! A client that only blasts: it sends the UPDATEs that nsbridge would send for a payload, over a
//! number of connections, and does nothing else while the clock runs.
//!
//! `testenv/bench` runs it for the rate at which a server takes those messages at best. Reading the
//! zones, planning, encoding and signing come before the clock starts, and the answers are verified
//! after it has stopped. Nothing is remembered, so it is no way to deliver anything.

mod clock;

use std::error::Error;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use nsbridge::config::keyfile;
use nsbridge::model::{CurrentZone, ForeignRecords, Intent, RecordType, RrSets, Scope, ZoneName};
use nsbridge::payload;
use nsbridge::plan::{self, Prerequisites};
use nsbridge::wire::{
    self, Expected, Key, Opcode, Progress, Rcode, Reply, RequestMac, TransferReader,
};

use clock::now;

type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;
/// Answers with their ids.
type Answers = Vec<(u16, Vec<u8>)>;

const USAGE: &str = "usage: blaster SERVER:PORT KEY-FILE KEY PAYLOAD CONNECTIONS IN-FLIGHT
Sends the UPDATEs of a payload whose zones exist, IN-FLIGHT at a time on each of CONNECTIONS, and
prints how many zones and how many seconds that were.";

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let text = match &arguments[..] {
        [server, key_file, key, payload, connections, in_flight] => {
            let server = server.parse()?;
            let key = keyfile::read_key(Path::new(key_file), key)?;
            let requests = prepare(server, &key, &std::fs::read(payload)?)?;
            let (seconds, answers) =
                blast(server, &requests, connections.parse()?, in_flight.parse()?)?;
            for (id, answer) in &answers {
                verify(&requests[usize::from(*id)], *id, answer, &key)?;
            }
            if answers.len() != requests.len() {
                return Err("not every request was answered".into());
            }
            format!("{} {seconds:.6}", answers.len())
        }
        // `cargo bench` runs every bench, with `--bench`.
        [] => USAGE.into(),
        [flag] if flag == "--bench" => USAGE.into(),
        _ => return Err(USAGE.into()),
    };
    writeln!(std::io::stdout(), "{text}")?;
    Ok(())
}

/// An UPDATE with the length in front, and what its answer is signed over.
struct Request {
    frame: Vec<u8>,
    mac: RequestMac,
}

/// The messages for each zone of a payload, as they follow from the zones as they are. A request's
/// id is its index.
fn prepare(server: SocketAddr, key: &Key, payload: &[u8]) -> Outcome<Vec<Request>> {
    let nothing = RrSets::default();
    let scope = Scope {
        foreign: ForeignRecords::Keep,
        keep: &[],
        managed: &nothing,
    };
    let octets_max = usize::from(u16::MAX) - wire::tsig_octets(key);
    let mut stream = TcpStream::connect(server)?;
    let mut requests = Vec::new();
    for command in payload::parse(payload)?.commands {
        let Intent::Zone(desired) = command.intent else {
            return Err("the payload may only create and update zones".into());
        };
        let current = transfer(&mut stream, &desired.name, key)?;
        let plan = plan::plan(&current, &desired, &scope);
        let batches = plan::batches(&plan, &current, Prerequisites::Soa, octets_max)?;
        let [batch] = &batches[..] else {
            return Err(format!("{} needs {} messages", desired.name, batches.len()).into());
        };
        let mut message = wire::encode_update(batch, u16::try_from(requests.len())?)?;
        let mac = wire::sign_request(&mut message, key, now())?;
        let frame = frame(&message)?;
        requests.push(Request { frame, mac });
    }
    Ok(requests)
}

/// Reads a zone (RFC 5936).
fn transfer(stream: &mut TcpStream, zone: &ZoneName, key: &Key) -> Outcome<CurrentZone> {
    let mut message = wire::encode_query(zone.apex(), RecordType::AXFR, 0);
    let mac = wire::sign_request(&mut message, key, now())?;
    stream.write_all(&frame(&message)?)?;
    let mut reader = TransferReader::new(zone, 0, Some((key.clone(), mac)));
    while reader.push(&receive(stream)?, now())? == Progress::More {}
    Ok(reader.finish()?)
}

/// Sends all requests and collects the answers by id; the seconds from first to last.
fn blast(
    server: SocketAddr,
    requests: &[Request],
    connections: usize,
    in_flight: usize,
) -> Outcome<(f64, Answers)> {
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
                    take_turns(&mut stream, requests, &next, in_flight)
                })
            })
            .collect();
        ready.wait();
        let started = Instant::now();
        let mut answers = Vec::new();
        for thread in threads {
            answers.extend(thread.join().map_err(|_| "a thread panicked")??);
        }
        Ok((started.elapsed().as_secs_f64(), answers))
    })
}

/// Sends whatever request is next as long as there is one, `in_flight` ahead of the answers.
fn take_turns(
    stream: &mut TcpStream,
    requests: &[Request],
    next: &AtomicUsize,
    in_flight: usize,
) -> Outcome<Answers> {
    let mut answers = Vec::new();
    let mut sent = 0;
    loop {
        while sent < answers.len() + in_flight {
            let Some(request) = requests.get(next.fetch_add(1, Ordering::Relaxed)) else {
                break;
            };
            stream.write_all(&request.frame)?;
            sent += 1;
        }
        if sent == answers.len() {
            return Ok(answers);
        }
        let answer = receive(stream)?;
        let id = answer.first_chunk().ok_or("an answer without an id")?;
        answers.push((u16::from_be_bytes(*id), answer));
    }
}

fn verify(request: &Request, id: u16, answer: &[u8], key: &Key) -> Outcome<()> {
    let expected = Expected {
        id,
        opcode: Opcode::Update,
        key: Some((key, &request.mac)),
    };
    let reply = wire::read_reply(answer, &expected, now());
    if matches!(&reply, Reply::Authentic(response) if response.rcode == Rcode::NOERROR) {
        Ok(())
    } else {
        Err(format!("an UPDATE was answered with {reply:?}").into())
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
