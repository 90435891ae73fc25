//! One run of a program: its input, its output, its end.
//!
//! The program runs in a process group of its own, so that nothing of it outlives its time, with
//! `/` as its directory and a small environment: what it does must not depend on who called
//! nsbridge. When time is nearly over the group gets SIGTERM, which lets it undo what is half done,
//! and SIGKILL at the end. The group is also killed where the run is dropped.
//!
//! The input is a file in memory that is whole before the program starts: through a pipe, a program that
//! outlives an nsbridge which was killed would take the part that came for all that there is.
//!
//! The odd case: a program that leaves something running in the background, with its output still
//! open (the master of an ssh connection). The end of the program is the end of the run; the rest
//! is neither waited for nor killed.

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

/// Where programs are looked for by the program; it needs no other variable for its own start.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Words in the C locale are those that documentation and people know.
const LOCALE: &str = "C";

/// How long before the deadline a program is told to end. A quarter of the time where that is less.
const GRACE: Duration = Duration::from_secs(1);
/// How long output that was written before the program ended is waited for.
const OUTPUT_TIME_MAX: Duration = Duration::from_millis(200);
/// How much of the end of the output is kept, in octets: some lines.
const OUTPUT_OCTETS_MAX: usize = 4096;

/// A program that ended by itself.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    /// The end of what it wrote to standard output and standard error together.
    pub(super) said: Vec<u8>,
}

/// Why a run gave no status.
#[derive(Debug)]
pub(super) enum Failed {
    /// It was not started.
    NotStarted(io::Error),
    /// It was started, and the system does not tell what became of it.
    Lost(io::Error),
    /// Its time was over, and it was killed.
    Deadline { said: Vec<u8> },
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
    // It holds our copies of the pipe's writing end, which must not keep it open.
    drop(command);
    let mut group = Group::of(&child);
    let left = deadline.saturating_duration_since(Instant::now());
    let warning = deadline - GRACE.min(left / 4);
    let mut talk = Box::pin(output.read());
    let mut is_silent = false;
    let mut is_warned = false;
    let status = loop {
        let until = if is_warned { deadline } else { warning };
        tokio::select! {
            status = child.wait() => break status,
            () = &mut talk, if !is_silent => is_silent = true,
            () = tokio::time::sleep_until(until) => {
                if is_warned {
                    group.signal(Signal::KILL);
                    // It cannot refuse; should the system hang, nobody waits for it.
                    drop(timeout(GRACE, child.wait()).await);
                    break Err(io::ErrorKind::TimedOut.into());
                }
                group.signal(Signal::TERM);
                is_warned = true;
            }
        }
    };
    group.is_over = true;
    if !is_silent {
        drop(timeout_at(Instant::now() + OUTPUT_TIME_MAX, talk.as_mut()).await);
    }
    drop(talk);
    let said = output.end;
    match status {
        // Whatever status it gives when it is told to end, it did not do what it should.
        Ok(status) if is_warned && status.code() != Some(0) => Err(Failed::Deadline { said }),
        Ok(status) => Ok(Ended { status, said }),
        Err(error) if error.kind() == io::ErrorKind::TimedOut => Err(Failed::Deadline { said }),
        Err(error) => Err(Failed::Lost(error)),
    }
}

/// A file of these octets, read from its beginning.
fn input_file(input: &[u8]) -> io::Result<Stdio> {
    if input.is_empty() {
        return Ok(Stdio::null());
    }
    let mut file = File::from(memfd_create("first contents", MemfdFlags::CLOEXEC)?);
    file.write_all(input)?;
    file.rewind()?;
    Ok(file.into())
}

/// The output of a program, of which the end is kept.
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

    /// Reads until the other end is closed.
    async fn read(&mut self) {
        let mut part = [0; OUTPUT_OCTETS_MAX];
        while let Ok(count @ 1..) = self.pipe.read(&mut part).await {
            self.end.extend_from_slice(&part[..count]);
            let excess = self.end.len().saturating_sub(OUTPUT_OCTETS_MAX);
            self.end.drain(..excess);
        }
    }
}

/// The process group of a program; killed when dropped, unless the program is known to be over.
struct Group {
    leader: Option<Pid>,
    is_over: bool,
}

impl Group {
    fn of(child: &Child) -> Self {
        let id = child.id().and_then(|id| i32::try_from(id).ok());
        Self {
            leader: id.and_then(Pid::from_raw),
            is_over: false,
        }
    }

    /// The leader was not waited for yet, so that no other process can have its number.
    fn signal(&self, signal: Signal) {
        if let Some(leader) = self.leader {
            // The group is gone: then there is nothing to end.
            kill_process_group(leader, signal).ok();
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.is_over {
            self.signal(Signal::KILL);
        }
    }
}
