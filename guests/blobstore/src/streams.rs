//! Objects written and read by streams.

use crate::wasi::blobstore::container::Container;
use crate::wasi::blobstore::types::{IncomingValue, OutgoingValue};
use crate::wasi::io::streams::{OutputStream, StreamError};

type Done<T> = Result<T, String>;

/// Names the object, writes it and finishes.
pub fn put(container: &Container, object: &str, bytes: &[u8]) -> Done<()> {
    OutgoingValue::finish(begin(container, object, bytes)?)
}

/// Names the object and writes it, without finishing.
pub fn begin(container: &Container, object: &str, bytes: &[u8]) -> Done<OutgoingValue> {
    let value = OutgoingValue::new_outgoing_value();
    container.write_data(object, &value)?;
    let stream = stream(&value)?;
    stream.blocking_write_and_flush(bytes).map_err(said)?;
    drop(stream);
    Ok(value)
}

/// Writes first and names the object then.
pub fn early(container: &Container, object: &str, bytes: usize) -> Done<()> {
    let value = OutgoingValue::new_outgoing_value();
    let stream = stream(&value)?;
    let piece = [b'e'; 4096];
    let mut left = bytes;
    while left > 0 {
        let now = left.min(piece.len());
        stream.blocking_write_and_flush(&piece[..now]).map_err(said)?;
        left -= now;
    }
    container.write_data(object, &value)?;
    drop(stream);
    OutgoingValue::finish(value)
}

/// What may be written right after a piece was, and once the stream is ready again.
pub fn busy(container: &Container, object: &str) -> Done<String> {
    let value = OutgoingValue::new_outgoing_value();
    container.write_data(object, &value)?;
    let stream = stream(&value)?;
    stream.check_write().map_err(said)?;
    stream.write(b"piece").map_err(said)?;
    let now = stream.check_write().map_err(said)?;
    stream.subscribe().block();
    let then = stream.check_write().map_err(said)?;
    Ok(format!("{now} {then}"))
}

/// Writes so many bytes, no more than the stream takes at a time, and answers with their number and sum.
pub fn fill(container: &Container, object: &str, bytes: u64) -> Done<String> {
    let value = OutgoingValue::new_outgoing_value();
    container.write_data(object, &value)?;
    let stream = stream(&value)?;
    let (mut sum, mut piece) = (Sum::default(), Vec::new());
    while sum.count < bytes {
        stream.subscribe().block();
        let most = stream.check_write().map_err(said)?;
        piece.clear();
        piece.extend((sum.count..bytes).take(most as usize).map(|at| (at ^ (at >> 16)) as u8));
        sum.add(&piece);
        stream.write(&piece).map_err(said)?;
    }
    drop(stream);
    OutgoingValue::finish(value)?;
    Ok(sum.said())
}

/// Reads all of it, and answers with its number of bytes and their sum.
pub fn sum(value: IncomingValue) -> Done<String> {
    let size = value.size();
    let stream = IncomingValue::incoming_value_consume_async(value)?;
    let mut sum = Sum::default();
    loop {
        match stream.blocking_read(1 << 20) {
            Ok(piece) => sum.add(&piece),
            Err(StreamError::Closed) => break,
            Err(error) => return Err(said(error)),
        }
    }
    if sum.count == size { Ok(sum.said()) } else { Err(format!("{} of {size}", sum.count)) }
}

#[derive(Default)]
struct Sum {
    count: u64,
    sum: u64,
}

impl Sum {
    fn add(&mut self, bytes: &[u8]) {
        self.count += bytes.len() as u64;
        for byte in bytes {
            self.sum = self.sum.wrapping_mul(31).wrapping_add(u64::from(*byte));
        }
    }

    fn said(&self) -> String {
        format!("{} {:x}", self.count, self.sum)
    }
}

fn stream(value: &OutgoingValue) -> Done<OutputStream> {
    value.outgoing_value_write_body().map_err(|()| "no stream".to_owned())
}

fn said(error: StreamError) -> String {
    match error {
        StreamError::Closed => "closed".to_owned(),
        StreamError::LastOperationFailed(error) => error.to_debug_string(),
    }
}
