//! Writes the epochs of this instance to the catalogs, as long as the worker runs.

use std::convert::Infallible;
use std::rc::Rc;
use std::time::Duration;

use futures_util::future::try_join_all;
use tokio::time::{Instant, sleep};

use super::dispatcher::Dispatcher;
use crate::deliver::{Failure, Primary, Renewal};

/// The time from one epoch to the next. A copy of the machine that is older than that is found by its first call.
const EPOCH_TIME: Duration = Duration::from_secs(3_600);

/// The pause after an epoch could not be written.
const PAUSE: Duration = Duration::from_secs(10);

/// The longest time for one.
const RENEWAL_TIME_MAX: Duration = Duration::from_secs(60);

impl Dispatcher<'_> {
    /// Writes a new epoch to the catalog of each of these primaries, at once and from time to time, for as long as it is
    /// polled. A primary that cannot be asked is asked again later. Reports a failure that is another than before.
    pub(super) async fn keep_epochs(
        &self,
        primaries: &[Rc<Primary>],
        report: impl Fn(&Primary, &Failure),
    ) -> Result<Infallible, Failure> {
        let report = &report;
        let kept = primaries
            .iter()
            .filter(|it| it.catalog.is_some())
            .map(|primary| self.keep_epoch(primary, report));
        try_join_all(kept).await?;
        // There is no catalog.
        std::future::pending().await
    }

    async fn keep_epoch(
        &self,
        primary: &Rc<Primary>,
        report: impl Fn(&Primary, &Failure),
    ) -> Result<Infallible, Failure> {
        let mut is_reported = false;
        loop {
            let deadline = Instant::now() + RENEWAL_TIME_MAX;
            let renewed = self
                .engine
                .renew_epoch(primary, Renewal::Own, deadline)
                .await;
            let pause = match renewed {
                Ok(_) => {
                    is_reported = false;
                    EPOCH_TIME
                }
                Err(failure) if failure.is_of_state() => return Err(failure),
                Err(failure) => {
                    let is_cloned = matches!(failure, Failure::InstanceCloned { .. });
                    if is_cloned && !is_reported {
                        report(primary, &failure);
                    }
                    is_reported |= is_cloned;
                    PAUSE
                }
            };
            self.jobs.write()?;
            sleep(pause).await;
        }
    }
}
