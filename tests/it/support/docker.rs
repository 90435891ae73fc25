//! Docker, its images of Debian's suites, and whether it can be used at all.
//!
//! Where Docker cannot be used this fails with the line that installs it. Only with
//! `NSBRIDGE_TEST_WITHOUT_DOCKER` set, on a machine that has no usable Docker, it says `NOT RUN`.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::support::process::{Running, Said};

/// Says that a machine has no Docker and need not have it.
const WITHOUT_DOCKER: &str = "NSBRIDGE_TEST_WITHOUT_DOCKER";

/// How long Docker may take: the first time, it gets a base image and installs BIND in it.
const DOCKER_LIMIT: Duration = Duration::from_secs(600);

/// Whether there is a Docker to use.
///
/// # Panics
///
/// When there is none, and nobody has said that there need not be one.
#[track_caller]
#[expect(clippy::print_stderr, reason = "what is not run is never silent")]
#[expect(
    clippy::disallowed_methods,
    reason = "the harness has no `cli` to read it"
)]
pub(crate) fn can_use_docker() -> bool {
    let info = Command::new("docker").arg("info").output();
    if info.as_ref().is_ok_and(|info| info.status.success()) {
        return true;
    }
    let answer = info.map_or_else(
        |error| error.to_string(),
        |info| String::from_utf8_lossy(&info.stderr).into_owned(),
    );
    assert!(
        std::env::var_os(WITHOUT_DOCKER).is_some(),
        "Docker cannot be used: {answer}\nhint: testenv/install docker; or, where there shall be \
         none, set {WITHOUT_DOCKER}=1"
    );
    eprintln!("NOT RUN: Docker cannot be used, and {WITHOUT_DOCKER} is set");
    false
}

/// Makes sure that there is Debian's image of a suite.
#[track_caller]
pub(crate) fn make_base_image(suite: &str) {
    let base_image = place("testenv/docker/base-image");
    let made = run(Command::new(base_image).arg(suite));
    assert_success(&made, "testenv/docker/base-image");
}

/// Builds the image of a directory of `testenv/docker`.
#[track_caller]
pub(crate) fn build(directory: &str, image: &str) {
    let directory = place("testenv/docker").join(directory);
    let mut command = Command::new("docker");
    command
        .args(["build", "--quiet", "--tag", image])
        .arg(directory);
    assert_success(&run(&mut command), "docker build");
}

#[track_caller]
pub(crate) fn run(command: &mut Command) -> Said {
    Running::start(command, b"").finish(DOCKER_LIMIT)
}

#[track_caller]
pub(crate) fn assert_success(said: &Said, what: &str) {
    assert!(
        said.status == Some(0),
        "{what}:\n{}{}",
        said.stdout(),
        said.stderr()
    );
}

pub(crate) fn place(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
