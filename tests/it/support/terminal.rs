//! A program at a terminal, and a person who types: each key is pressed after what the screen shows is there.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::support::wait;

/// A program at a terminal; killed when dropped.
#[derive(Debug)]
pub(crate) struct Terminal {
    keyboard: File,
    shown: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
    child: Child,
}

impl Terminal {
    /// Starts a program, with arguments, in a terminal of its own.
    #[track_caller]
    pub(crate) fn start(command: &[&str]) -> Self {
        let near = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&near).unwrap();
        unlockpt(&near).unwrap();
        let size = Winsize {
            ws_row: 24,
            ws_col: 120,
            ws_xpixel: 0,
            ws_ypixel: 0,
        };
        tcsetwinsize(&near, size).unwrap();
        let name = ptsname(&near, Vec::new()).unwrap();
        let far = OpenOptions::new()
            .read(true)
            .write(true)
            .open(name.to_str().unwrap())
            .unwrap();
        let far = || OwnedFd::from(far.try_clone().unwrap());
        // Without a session of its own there would be no Ctrl-C. Variables of the caller, such as `CI` and `NO_COLOR`,
        // would decide about colours.
        let child = Command::new("setsid")
            .arg("--ctty")
            .args(command)
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("TERM", "xterm")
            .stdin(far())
            .stdout(far())
            .stderr(far())
            .spawn()
            .unwrap();
        let keyboard = File::from(near);
        let shown = Arc::new(Mutex::new(Vec::new()));
        let (mut screen, seen) = (keyboard.try_clone().unwrap(), Arc::clone(&shown));
        let reader = std::thread::spawn(move || {
            let mut octets = [0; 4096];
            // The terminal is gone when the program is.
            while let Ok(count @ 1..) = screen.read(&mut octets) {
                seen.lock().unwrap().extend_from_slice(&octets[..count]);
            }
        });
        Self {
            keyboard,
            shown,
            reader,
            child,
        }
    }

    /// All that the program has written, with its colours.
    pub(crate) fn written(&self) -> String {
        String::from_utf8_lossy(&self.shown.lock().unwrap()).into_owned()
    }

    /// What is on the screen, without colours, cursor movements and sounds.
    pub(crate) fn shown(&self) -> String {
        let shown = self.written();
        let mut parts = shown.split("\x1b[");
        let mut text = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let end = part.find(|c: char| c.is_ascii_alphabetic());
            text.push_str(
                part.get(end.map_or(part.len(), |end| end + 1)..)
                    .unwrap_or(""),
            );
        }
        text.replace(['\r', '\x07'], "")
    }

    /// Waits until the screen ends in this.
    #[track_caller]
    pub(crate) fn wait_for(&self, end: &str) {
        let found = wait::until_some(wait::PATIENCE, || self.shown().ends_with(end).then_some(()));
        assert!(
            found.is_some(),
            "no `{end}` at the end of\n{}",
            self.shown()
        );
    }

    /// Presses keys, once the program reads each key by itself: before that the terminal would show them, too.
    #[track_caller]
    pub(crate) fn press(&mut self, keys: &str) {
        wait::until("the program reads keys", || {
            let modes = tcgetattr(&self.keyboard).unwrap().local_modes;
            !modes.contains(LocalModes::ICANON)
        });
        self.keyboard.write_all(keys.as_bytes()).unwrap();
    }

    /// Types a line at the prompt.
    #[track_caller]
    pub(crate) fn line(&mut self, line: &str) {
        self.wait_for("> ");
        self.press(line);
        self.press("\r");
        // So that the next wait does not take this prompt for the one after it.
        let echo = format!("{line}\n");
        wait::until(line, || self.shown().contains(&echo));
    }

    /// The status with which the program ends by itself.
    #[track_caller]
    pub(crate) fn end(&mut self) -> Option<i32> {
        let ended = wait::until_some(wait::PATIENCE, || self.child.try_wait().ok().flatten());
        let ended = ended.unwrap_or_else(|| panic!("it goes on:\n{}", self.shown()));
        // What it said last may still be on the way.
        wait::until("the screen is read to its end", || {
            self.reader.is_finished()
        });
        ended.code()
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
