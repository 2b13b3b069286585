//! The state of a cluster on disk.

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use apiserver::Keep;
use apistore::Stored;
use redb::{Database, ReadableDatabase, ReadableTable, TableDefinition};
use tokio::sync::oneshot;

/// Why the state cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// Another process has it open.
    #[error("another process uses this state")]
    InUse,
    /// It was written by a version of Lockstep that keeps it otherwise.
    #[error("the state has format {found}, this version of Lockstep reads format {FORMAT}")]
    Format {
        /// Its format.
        found: u64,
    },
    /// The file is damaged, or the disk refuses.
    #[error("cannot read or write the state")]
    Database(#[source] Box<redb::Error>),
    /// The thread that writes could not be started.
    #[error("cannot start a thread")]
    Thread(#[source] std::io::Error),
}

impl<E: Into<redb::Error>> From<E> for DiskError {
    fn from(error: E) -> Self {
        Self::Database(Box::new(error.into()))
    }
}

/// Objects as the store keeps them, with the revision of their last change before them, by the store's key.
const OBJECTS: TableDefinition<'_, &str, (u64, &[u8])> = TableDefinition::new("objects");
const NUMBERS: TableDefinition<'_, &str, u64> = TableDefinition::new("numbers");
/// How the state is kept; raised with every change of it.
const FORMAT: u64 = 1;

/// Bytes of the file that are kept in memory. Everything is read once, at the start, and is in the store from then on.
const CACHE: usize = 8 << 20;

/// An open state.
pub(crate) struct Disk {
    database: Database,
}

impl Disk {
    /// Opens the state in a file, a new one if there is none.
    pub(crate) fn open(file: &Path) -> Result<Self, DiskError> {
        let database = match Database::builder().set_cache_size(CACHE).create(file) {
            Err(redb::DatabaseError::DatabaseAlreadyOpen) => return Err(DiskError::InUse),
            other => other?,
        };
        let write = database.begin_write()?;
        {
            let mut numbers = write.open_table(NUMBERS)?;
            let found = numbers.get("format")?.map(|format| format.value());
            match found {
                None => _ = numbers.insert("format", FORMAT)?,
                Some(FORMAT) => {}
                Some(found) => return Err(DiskError::Format { found }),
            }
            write.open_table(OBJECTS)?;
        }
        write.commit()?;
        Ok(Self { database })
    }

    /// Everything that was kept.
    pub(crate) fn read(&self) -> Result<Vec<Stored>, DiskError> {
        let read = self.database.begin_read()?;
        let objects = read.open_table(OBJECTS)?;
        let mut changes = Vec::new();
        for entry in objects.iter()? {
            let (key, value) = entry?;
            let (revision, bytes) = value.value();
            changes.push(Stored { key: key.value().into(), value: Some(bytes.into()), revision });
        }
        Ok(changes)
    }

    /// The last revision that was kept, also that of a deletion; 0 for none.
    pub(crate) fn revision(&self) -> Result<u64, DiskError> {
        let numbers = self.database.begin_read()?.open_table(NUMBERS)?;
        Ok(numbers.get("revision")?.map_or(0, |revision| revision.value()))
    }

    fn write(&self, batches: &[Batch]) -> Result<(), DiskError> {
        let write = self.database.begin_write()?;
        {
            let mut objects = write.open_table(OBJECTS)?;
            let mut numbers = write.open_table(NUMBERS)?;
            for change in batches.iter().flat_map(|batch| &batch.changes) {
                match &change.value {
                    Some(bytes) => _ = objects.insert(&*change.key, (change.revision, &**bytes))?,
                    None => _ = objects.remove(&*change.key)?,
                }
                numbers.insert("revision", change.revision)?;
            }
        }
        write.commit()?;
        Ok(())
    }
}

struct Batch {
    changes: Vec<Stored>,
    kept: oneshot::Sender<()>,
}

/// What the thread that writes is told.
enum Task {
    Write(Batch),
    End,
}

/// Writes changes in a thread of its own: all that wait go in one transaction, so that many writers share the wait for the disk.
#[derive(Clone)]
pub(crate) struct Writer(Sender<Task>);

/// The end of writing.
pub(crate) struct Closing {
    writer: Writer,
    closed: oneshot::Receiver<()>,
}

impl Writer {
    /// Starts the thread.
    pub(crate) fn start(disk: Disk) -> Result<(Self, Closing), DiskError> {
        let (sender, receiver) = channel();
        let (open, closed) = oneshot::channel::<()>();
        let write = move || {
            write_all(&disk, &receiver);
            drop(disk);
            drop(open);
        };
        thread::Builder::new().name("state".to_owned()).spawn(write).map_err(DiskError::Thread)?;
        let writer = Self(sender);
        Ok((writer.clone(), Closing { writer, closed }))
    }
}

impl Closing {
    /// Returns when nothing is written any more though nobody asked for that.
    pub(crate) async fn lost(&mut self) {
        let _ = (&mut self.closed).await;
    }

    /// Writes what waits and closes the file: the next who opens it need not wait for who still holds the API.
    pub(crate) async fn close(self) {
        // A thread that has ended has closed it.
        let _ = self.writer.0.send(Task::End);
        let _ = self.closed.await;
    }
}

impl Keep for Writer {
    fn keep(&self, changes: Vec<Stored>) -> oneshot::Receiver<()> {
        let (kept, wait) = oneshot::channel();
        // A thread that has ended drops the batch, and with it the sender: whoever waits is told.
        let _ = self.0.send(Task::Write(Batch { changes, kept }));
        wait
    }
}

/// Ends at the first failure: what comes after a lost write must not be kept, and nobody may be told that it was.
fn write_all(disk: &Disk, receiver: &Receiver<Task>) {
    while let Ok(Task::Write(first)) = receiver.recv() {
        let mut batches = vec![first];
        let mut ended = false;
        for task in receiver.try_iter() {
            match task {
                Task::Write(batch) => batches.push(batch),
                Task::End => ended = true,
            }
        }
        if let Err(error) = disk.write(&batches) {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the cluster's state cannot be kept any more"
            );
            return;
        }
        for batch in batches {
            // Nobody may be waiting any more.
            let _ = batch.kept.send(());
        }
        if ended {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(key: &str, value: Option<&str>, revision: u64) -> Stored {
        Stored { key: key.into(), value: value.map(|text| text.as_bytes().into()), revision }
    }

    #[tokio::test]
    async fn what_was_kept_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("state");
        let disk = Disk::open(&file).unwrap();
        assert!(matches!(Disk::open(&file), Err(DiskError::InUse)));
        let (writer, closing) = Writer::start(disk).unwrap();
        let first = writer.keep(vec![change("a", Some("1"), 1), change("b", Some("2"), 2)]);
        let second = writer.keep(vec![change("a", None, 3), change("c", Some("4"), 4)]);
        first.await.unwrap();
        second.await.unwrap();
        closing.close().await;
        assert!(
            writer.keep(vec![change("d", Some("5"), 5)]).await.is_err(),
            "nobody may think that it is kept"
        );
        let disk = Disk::open(&file).unwrap();
        let kept: Vec<_> = disk
            .read()
            .unwrap()
            .into_iter()
            .map(|change| (change.key.to_string(), change.revision))
            .collect();
        assert_eq!(kept, [("b".to_owned(), 2), ("c".to_owned(), 4)]);
        assert_eq!(disk.revision().unwrap(), 4);
    }

    #[tokio::test]
    async fn who_writes_no_more_is_noticed() {
        let place = tempfile::tempdir().unwrap();
        let (writer, mut closing) = Writer::start(Disk::open(&place.path().join("state")).unwrap()).unwrap();
        assert!(writer.keep(vec![change("a", Some("1"), 1)]).await.is_ok());
        writer.0.send(Task::End).unwrap();
        closing.lost().await;
        assert!(writer.keep(vec![change("a", Some("2"), 2)]).await.is_err());
    }
}
