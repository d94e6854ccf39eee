//! Objects larger than a guest's memory and larger than anything the host keeps of them: what reaches the keeper,
//! piece by piece.

mod common;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use airssys_wasm_host::{
    Backends, BlobContainer, BlobId, BlobInfo, BlobNames, BlobReader, BlobStore, BlobStoreError,
    BlobWriter, Limit, Pool, Value,
};
use airssys_wasm_model::{ByteSize, Rights, Span};
use common::waiting::until;
use common::{call, pool, rights};

/// One container, `s`, with one object, which has no bytes but a rule for them.
#[derive(Clone, Default)]
struct Endless(Arc<Flow>);

#[derive(Default)]
struct Flow {
    /// Bytes of finished objects.
    finished: AtomicU64,
    /// Of unfinished ones.
    given_up: AtomicU64,
    largest_piece: AtomicUsize,
    /// After so many bytes a write is refused.
    quota: Option<u64>,
    /// Held by whoever is at the disk: two at once would be a second piece in memory.
    disk: Mutex<()>,
    /// What is done when so many bytes of an object have gone by.
    then: Mutex<Option<(u64, Then)>>,
    /// How far into its object anybody came.
    furthest: AtomicU64,
}

type Then = Box<dyn FnOnce() + Send>;

struct Writer {
    flow: Arc<Flow>,
    bytes: u64,
}

struct Reader {
    flow: Arc<Flow>,
    at: u64,
    end: u64,
}

type Done<T> = Result<T, BlobStoreError>;

const SIZE: u64 = 32 << 20;

/// What goes to the disk at once.
const PIECE: u64 = 64 << 10;

fn byte(at: u64) -> u8 {
    (at ^ (at >> 16)) as u8
}

impl Flow {
    fn piece(&self, len: usize) {
        let _alone = self.disk.try_lock().expect("one piece at a time");
        self.largest_piece.fetch_max(len, Ordering::Relaxed);
    }

    /// So many bytes of an object have gone by.
    fn went_by(&self, bytes: u64) {
        self.furthest.fetch_max(bytes, Ordering::SeqCst);
        let then = self.then.lock().unwrap().take_if(|(at, _)| *at <= bytes);
        if let Some((_, act)) = then {
            act();
        }
    }
}

fn none<T>() -> Done<T> {
    Err(BlobStoreError::Name("there is none".to_owned()))
}

impl BlobStore for Endless {
    fn create(&self, _: &str, _: SystemTime) -> Done<Arc<dyn BlobContainer>> {
        none()
    }

    fn container(&self, _: &str) -> Done<Arc<dyn BlobContainer>> {
        Ok(Arc::new(self.clone()))
    }

    fn exists(&self, _: &str) -> Done<bool> {
        Ok(true)
    }

    fn delete(&self, _: &str) -> Done<()> {
        none()
    }

    fn copy(&self, _: &BlobId, _: &BlobId, _: SystemTime) -> Done<()> {
        none()
    }

    fn rename(&self, _: &BlobId, _: &BlobId) -> Done<()> {
        none()
    }
}

impl BlobContainer for Endless {
    fn created_at(&self) -> Done<SystemTime> {
        Ok(SystemTime::UNIX_EPOCH)
    }

    fn read(&self, _: &str, offset: u64, len: u64) -> Done<Box<dyn BlobReader>> {
        let at = offset.min(SIZE);
        let end = at.saturating_add(len).min(SIZE);
        Ok(Box::new(Reader { flow: Arc::clone(&self.0), at, end }))
    }

    fn write(&self, _: &str) -> Done<Box<dyn BlobWriter>> {
        Ok(Box::new(Writer { flow: Arc::clone(&self.0), bytes: 0 }))
    }

    fn info(&self, _: &str) -> Done<BlobInfo> {
        Ok(BlobInfo { size_bytes: SIZE, created_at: SystemTime::UNIX_EPOCH })
    }

    fn has(&self, _: &str) -> Done<bool> {
        Ok(true)
    }

    fn list(&self, _: Option<String>, _: usize) -> Done<BlobNames> {
        Ok(BlobNames::default())
    }

    fn delete_many(&self, _: &[String]) -> Done<()> {
        none()
    }

    fn clear(&self) -> Done<()> {
        none()
    }
}

impl BlobReader for Reader {
    fn remaining_bytes(&self) -> u64 {
        self.end - self.at
    }

    fn read(&mut self, buffer: &mut [u8]) -> Done<usize> {
        self.flow.piece(buffer.len());
        let len = self.remaining_bytes().min(buffer.len() as u64);
        for (byte_of, at) in buffer.iter_mut().zip(self.at..self.at + len) {
            *byte_of = byte(at);
        }
        self.at += len;
        self.flow.went_by(self.at);
        Ok(len as usize)
    }
}

impl BlobWriter for Writer {
    fn append(&mut self, bytes: &[u8]) -> Done<()> {
        self.flow.piece(bytes.len());
        for (found, at) in bytes.iter().zip(self.bytes..) {
            assert_eq!(*found, byte(at), "at {at}");
        }
        self.bytes += bytes.len() as u64;
        self.flow.went_by(self.bytes);
        match self.flow.quota {
            Some(quota) if self.bytes > quota => {
                Err(BlobStoreError::Refused(format!("the quota of {quota} bytes is reached")))
            }
            _ => Ok(()),
        }
    }

    fn finish(mut self: Box<Self>, _: SystemTime) -> Done<()> {
        self.flow.finished.fetch_add(std::mem::take(&mut self.bytes), Ordering::SeqCst);
        Ok(())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.flow.given_up.fetch_add(self.bytes, Ordering::SeqCst);
    }
}

async fn guest(
    endless: &Endless,
    change: impl FnOnce(&mut airssys_wasm_model::Limits),
) -> Arc<Pool> {
    let blobs = Arc::new(endless.clone());
    let rights = rights(&["blobstore:s:read,write"]);
    pool("blobstore", |spec| {
        spec.rights = rights;
        // An eighth of the object: neither side could hold it.
        spec.limits.memory = ByteSize(4 << 20);
        (spec.limits.time, spec.limits.cpu) =
            (Span(Duration::from_secs(60)), Span(Duration::from_secs(60)));
        change(&mut spec.limits);
        spec.backends = Backends { blobs: Some(blobs), ..Backends::default() };
    })
    .await
}

async fn run(
    pool: &Arc<Pool>,
    lines: &[&str],
) -> Result<Vec<String>, airssys_wasm_host::CallError> {
    let script = Value::String(lines.join("\n").replace(' ', "\t"));
    let answer = pool.claim(call()).await.unwrap().call("run", vec![script]).await?;
    let Some(Value::String(answers)) = answer else { panic!("{answer:?}") };
    Ok(answers.split('\n').map(ToOwned::to_owned).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_larger_than_memory_goes_by_in_pieces() {
    let endless = Endless::default();
    let pool = guest(&endless, |_| {}).await;
    let said = run(&pool, &["open s", &format!("fill s o {SIZE}"), "sum s o"]).await.unwrap();
    assert!(said[1].starts_with(&format!("{SIZE} ")), "{said:?}");
    assert_eq!(said[1], said[2], "what was read is what was written");
    let flow = &endless.0;
    assert_eq!(flow.finished.load(Ordering::SeqCst), SIZE);
    assert_eq!(flow.largest_piece.load(Ordering::SeqCst), 64 << 10);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_object_too_large_to_be_given_whole_is_refused_before_it_is_read() {
    let endless = Endless::default();
    let said = run(&guest(&endless, |_| {}).await, &["open s", "read s o"]).await.unwrap();
    assert!(said[1].starts_with("16777216 bytes are given whole at most"), "{said:?}");
    assert_eq!(endless.0.largest_piece.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_quota_ends_a_stream_where_it_is_reached_and_is_named() {
    let flow = Flow { quota: Some(1 << 20), ..Flow::default() };
    let endless = Endless(Arc::new(flow));
    let pool = guest(&endless, |_| {}).await;
    let said = run(&pool, &["open s", &format!("fill s o {SIZE}")]).await.unwrap();
    assert!(said[1].contains("the quota of 1048576 bytes is reached"), "{said:?}");
    assert_eq!(endless.0.finished.load(Ordering::SeqCst), 0);
    // The piece that was too much is the last one that was taken.
    assert_eq!(endless.0.given_up.load(Ordering::SeqCst), (1 << 20) + (64 << 10));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_is_cut_in_the_middle_of_a_write_leaves_nothing() {
    let endless = Endless::default();
    let pool = guest(&endless, |limits| limits.cpu = Span(Duration::from_millis(500))).await;
    let lines = ["open s", "fill s o 4000000000"];
    assert!(run(&pool, &lines).await.is_err());
    // The piece that was under way ends on its thread.
    until("the end of the write", || Arc::strong_count(&endless.0) <= 2).await;
    assert_eq!(endless.0.finished.load(Ordering::SeqCst), 0);
    assert!(endless.0.given_up.load(Ordering::SeqCst) > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_of_a_container_ends_when_its_right_is_revoked_and_not_before() {
    const MANY: u64 = 4 << 20;
    const HALF: u64 = MANY / 2;
    let (read, write) = ("sum s o".to_owned(), format!("fill s o {MANY}"));
    for (line, left, ends) in [
        (&read, "blobstore:s:write", true),
        (&write, "blobstore:s:read", true),
        (&read, "blobstore:s:read", false),
        (&write, "blobstore:s:write", false),
    ] {
        let endless = Endless::default();
        let pool = guest(&endless, |_| {}).await;
        let (weak, left) = (Arc::downgrade(&pool), rights(&[left]));
        // In the middle of the object, while the guest waits for this very piece.
        let change = move || {
            let pool = weak.upgrade().expect("its guest runs");
            pool.change_rights(Rights::clone(&left)).expect("nothing new is to be opened");
        };
        *endless.0.then.lock().unwrap() = Some((HALF, Box::new(change)));
        let said = run(&pool, &["open s", line]).await.unwrap();
        let (furthest, denied) =
            (endless.0.furthest.load(Ordering::SeqCst), "access to the container is denied");
        if ends {
            assert!(said[1].contains(denied), "{line}: {said:?}");
            assert!((HALF..=HALF + PIECE).contains(&furthest), "{line} went on to {furthest}");
            assert_eq!(endless.0.finished.load(Ordering::SeqCst), 0, "{line}");
        } else {
            assert!(!said[1].contains(denied), "{line}: {said:?}");
            assert!(furthest >= MANY, "{line} came to {furthest}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn objects_that_are_read_or_written_are_shown_among_the_open_files() {
    let endless = Endless::default();
    let pool = guest(&endless, |_| {}).await;
    let level = |pool: &Pool| {
        let files = pool.limits().into_iter().find(|of| of.limit == Limit::Files).unwrap();
        files.used.unwrap()
    };
    for (lines, open) in [
        (["open s", "sum s o", "has s o"], 1.0),
        (["open s", "hold s o", "sum s o"], 2.0),
        (["open s", "hold s o", "fill s o 10"], 2.0),
    ] {
        let (weak, seen) = (Arc::downgrade(&pool), Arc::<Mutex<f64>>::default());
        let sees = Arc::clone(&seen);
        let look = move || *sees.lock().unwrap() = level(&weak.upgrade().expect("its guest runs"));
        *endless.0.then.lock().unwrap() = Some((1, Box::new(look)));
        run(&pool, &lines).await.unwrap();
        assert_eq!(*seen.lock().unwrap(), open, "{lines:?}");
        assert_eq!(level(&pool), 0.0, "{lines:?}");
    }
}
