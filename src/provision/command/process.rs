//! One run of a program: its input, its output, its end.
//!
//! The program runs in a process group of its own, so that none of its processes outlives the
//! deadline. It runs with `/` as its directory and a small environment, so that it does not depend
//! on the caller of nsbridge. Shortly before the deadline the group gets SIGTERM, which lets the
//! program undo unfinished work, and at the deadline SIGKILL. Dropping the run kills the group too.
//!
//! The input is a file in memory that is complete before the program starts. Through a pipe, a
//! program that outlives a killed nsbridge would take partial input for the whole.
//!
//! The odd case: a program that leaves a background process with an open output (the master of an
//! ssh connection). The run ends with the program; it neither waits for the background process nor
//! kills it.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, PipeReader, Seek as _, Write as _};
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use rustix::fs::{MemfdFlags, memfd_create};
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::io::AsyncReadExt as _;
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout, timeout_at};

/// The search path of the program. It needs no other variable to find the programs that it starts.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// The locale of the program: messages in the C locale are the ones in documentation.
const LOCALE: &str = "C";

/// Time between SIGTERM and the deadline; a quarter of the whole time if that is less.
const GRACE: Duration = Duration::from_secs(1);
/// Longest wait for the rest of the output after the end of the program.
const OUTPUT_TIME_MAX: Duration = Duration::from_millis(200);
/// Most octets that are kept of the end of the output: some lines.
const OUTPUT_OCTETS_MAX: usize = 4096;

/// A program that ended by itself.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    /// The end of its standard output and standard error, in one.
    pub(super) output: Vec<u8>,
}

/// The reason why a run gave no status.
#[derive(Debug)]
pub(super) enum Failed {
    /// The program was not started.
    NotStarted(io::Error),
    /// The program was started, and the system does not report its end.
    Lost(io::Error),
    /// The program was ended at the deadline.
    Deadline { output: Vec<u8> },
}

/// Runs a program to its end, with `input` on its standard input.
///
/// # Errors
/// [`Failed`].
pub(super) async fn run(
    program: &Path,
    arguments: &[impl AsRef<OsStr>],
    input: &[u8],
    deadline: Instant,
) -> Result<Ended, Failed> {
    if deadline <= Instant::now() {
        return Err(Failed::NotStarted(io::ErrorKind::TimedOut.into()));
    }
    let stdin = input_file(input).map_err(Failed::NotStarted)?;
    let (reader, writer) = io::pipe().map_err(Failed::NotStarted)?;
    let mut output = Output::new(reader).map_err(Failed::NotStarted)?;
    let stderr = writer.try_clone().map_err(Failed::NotStarted)?;
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .envs([("PATH", PATH), ("LC_ALL", LOCALE)])
        .current_dir("/")
        .stdin(stdin)
        .stdout(writer)
        .stderr(stderr)
        .process_group(0)
        .kill_on_drop(true);
    let mut child = command.spawn().map_err(Failed::NotStarted)?;
    // `command` holds copies of the writing end of the pipe, which would keep it open.
    drop(command);
    let mut group = Group::of(&child);
    let left = deadline.saturating_duration_since(Instant::now());
    let term_time = deadline - GRACE.min(left / 4);
    let mut reading = Box::pin(output.read());
    let mut is_output_closed = false;
    let mut is_terminated = false;
    let status = loop {
        let until = if is_terminated { deadline } else { term_time };
        tokio::select! {
            status = child.wait() => break status,
            () = &mut reading, if !is_output_closed => is_output_closed = true,
            () = tokio::time::sleep_until(until) => {
                if is_terminated {
                    group.signal(Signal::KILL);
                    // A process cannot refuse SIGKILL; the timeout covers a system that hangs.
                    drop(timeout(GRACE, child.wait()).await);
                    break Err(io::ErrorKind::TimedOut.into());
                }
                group.signal(Signal::TERM);
                is_terminated = true;
            }
        }
    };
    group.has_ended = true;
    if !is_output_closed {
        drop(timeout_at(Instant::now() + OUTPUT_TIME_MAX, reading.as_mut()).await);
    }
    drop(reading);
    let output = output.end;
    match status {
        // After SIGTERM only status 0 has its meaning: any other is a consequence of the signal.
        Ok(status) if is_terminated && status.code() != Some(0) => Err(Failed::Deadline { output }),
        Ok(status) => Ok(Ended { status, output }),
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(Failed::Deadline { output }),
        Err(error) => Err(Failed::Lost(error)),
    }
}

/// Returns a file in memory with these octets, to be read from its beginning.
fn input_file(input: &[u8]) -> io::Result<Stdio> {
    if input.is_empty() {
        return Ok(Stdio::null());
    }
    let mut file = File::from(memfd_create("first contents", MemfdFlags::CLOEXEC)?);
    file.write_all(input)?;
    file.rewind()?;
    Ok(file.into())
}

/// The output of a program, of which only the end is kept.
struct Output {
    pipe: pipe::Receiver,
    end: Vec<u8>,
}

impl Output {
    fn new(pipe: PipeReader) -> io::Result<Self> {
        Ok(Self {
            pipe: pipe::Receiver::from_owned_fd(pipe.into())?,
            end: Vec::new(),
        })
    }

    /// Reads until the writing end is closed.
    async fn read(&mut self) {
        let mut part = [0; OUTPUT_OCTETS_MAX];
        while let Ok(count @ 1..) = self.pipe.read(&mut part).await {
            self.end.extend_from_slice(&part[..count]);
            let excess = self.end.len().saturating_sub(OUTPUT_OCTETS_MAX);
            self.end.drain(..excess);
        }
    }
}

/// The process group of a program. Dropping it kills the group, unless the program has ended.
struct Group {
    leader: Option<Pid>,
    has_ended: bool,
}

impl Group {
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self {
            leader: id.and_then(Pid::from_raw),
            has_ended: false,
        }
    }

    /// Sends a signal to the group. Only before a wait for the leader has succeeded: until then no
    /// other process can have its number.
    fn signal(&self, signal: Signal) {
        if let Some(leader) = self.leader {
            // The call fails if the group has ended already.
            kill_process_group(leader, signal).ok();
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.has_ended {
            self.signal(Signal::KILL);
        }
    }
}
