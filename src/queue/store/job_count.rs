//! How many jobs there are, in SQL.

use std::collections::BTreeMap;

use super::error::StoreError;
use super::file::Store;
use super::sql::all;
use crate::diagnostic::stored::from_json;
use crate::queue::job::{JobCount, JobGroup};

impl Store {
    /// Counts the jobs that wait or are held, without reading their intents.
    pub(crate) fn count_jobs(&self) -> Result<BTreeMap<JobGroup, JobCount>, StoreError> {
        let counted: Vec<(JobGroup, JobCount)> = self.read(|connection| {
            let count = "SELECT primary_, state = 1, reason, count(*), min(enqueued_at) FROM job
                         WHERE state IN (0, 1) GROUP BY 1, 2, 3";
            all(connection, count, [], |row| {
                let reason: Option<String> = row.get(2)?;
                let group = JobGroup {
                    primary: row.get(0)?,
                    is_held: row.get(1)?,
                    code: reason.map_or("", |it| from_json(&it).code()),
                };
                let (jobs, oldest_at) = (row.get(3)?, row.get(4)?);
                Ok((group, JobCount { jobs, oldest_at }))
            })
        })?;
        let mut groups = BTreeMap::<JobGroup, JobCount>::new();
        for (group, count) in counted {
            let all = groups.entry(group).or_insert(JobCount {
                jobs: 0,
                oldest_at: count.oldest_at,
            });
            all.jobs += count.jobs;
            all.oldest_at = all.oldest_at.min(count.oldest_at);
        }
        Ok(groups)
    }
}
