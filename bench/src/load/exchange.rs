//! One request on a connection of its own, whose answer is looked at byte by byte: what the load's many answers
//! are told apart by is their status, so that a measurement first asks each server once what it says.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};

use super::answer::Reader;
use super::{PATIENCE, READ_BYTES, Request};

/// The body of the answer to this request, which is 200.
pub(crate) fn body(request: &Request) -> Result<Vec<u8>> {
    let mut stream = connect(&request.address)?;
    stream.write_all(&request.bytes)?;
    let mut body = Vec::new();
    read(&mut stream, |piece| body.extend(piece))?;
    Ok(body)
}

/// Posts so many bytes to a service that sends back what it is sent, and reads them at the same time. Every byte
/// that comes back is compared with the one that was sent. `watch` is told how many have come, about a hundred
/// times.
pub(crate) fn echo(
    address: &str,
    path: &str,
    bytes: u64,
    mut watch: impl FnMut(u64),
) -> Result<Duration> {
    let pattern = Pattern::new();
    let mut stream = connect(address)?;
    let mut sending = stream.try_clone()?;
    let head =
        format!("POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {bytes}\r\n\r\n");
    let start = Instant::now();
    let (came, alike) = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            sending.write_all(head.as_bytes())?;
            pattern.write(&mut sending, bytes)
        });
        let (mut came, mut alike, mut told) = (0, true, 0);
        let read = read(&mut stream, |piece| {
            alike &= pattern.continues(came, piece);
            came += piece.len() as u64;
            if came - told > bytes / 100 {
                told = came;
                watch(came);
            }
        });
        if read.is_err() {
            // Or the writer would wait for a server that reads no more.
            stream.shutdown(Shutdown::Both).ok();
        }
        let wrote = writer.join().map_err(|_panicked| anyhow!("the writer panicked"))?;
        read?;
        wrote.context("the request was answered before it was sent")?;
        Ok::<_, anyhow::Error>((came, alike))
    })?;
    let took = start.elapsed();
    ensure!(came == bytes, "{came} of {bytes} bytes came back");
    ensure!(alike, "what came back is not what was sent");
    Ok(took)
}

fn connect(address: &str) -> Result<TcpStream> {
    let stream = TcpStream::connect(address).context(address.to_owned())?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// Reads an answer, and shows its body.
fn read(stream: &mut TcpStream, mut piece: impl FnMut(&[u8])) -> Result<()> {
    let (mut reader, mut buffer) = (Reader::default(), vec![0; READ_BYTES]);
    loop {
        let count = stream.read(&mut buffer).context("no answer")?;
        ensure!(count > 0, "the connection ended before the answer did");
        match reader.take_body(&buffer[..count], &mut piece)? {
            Some(answer) if answer.status == 200 => return Ok(()),
            Some(answer) => bail!("the answer is {}", answer.status),
            None => {}
        }
    }
}

/// Bytes without end, of which any stretch tells where it was taken from: a piece lost, doubled or displaced is
/// met.
struct Pattern {
    /// The period twice, so that a stretch of a period's length is there in one piece from anywhere.
    twice: Vec<u8>,
}

impl Pattern {
    /// A prime, so that no buffer's size is a multiple of it.
    const PERIOD: usize = 65_521;

    fn new() -> Self {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let random = std::iter::repeat_with(|| {
            // Marsaglia's xorshift.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state.to_le_bytes()[0]
        });
        Self { twice: random.take(Self::PERIOD).collect::<Vec<_>>().repeat(2) }
    }

    fn write(&self, to: &mut impl Write, bytes: u64) -> std::io::Result<()> {
        let mut left = bytes;
        while left > 0 {
            let now = left.min(Self::PERIOD as u64) as usize;
            to.write_all(&self.twice[..now])?;
            left -= now as u64;
        }
        Ok(())
    }

    /// Whether this is what comes after so many bytes.
    fn continues(&self, after: u64, bytes: &[u8]) -> bool {
        let at = (after % Self::PERIOD as u64) as usize;
        bytes.chunks(Self::PERIOD).all(|bytes| self.twice[at..].starts_with(bytes))
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// A server for one connection, which does this with the body of a request.
    fn server(answer: impl FnOnce(Vec<u8>) -> Vec<u8> + Send + 'static) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut came = vec![0; BODY_BYTES as usize];
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                head.extend(byte);
            }
            stream.read_exact(&mut came).unwrap();
            let body = answer(came);
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            stream.write_all(head.as_bytes()).unwrap();
            stream.write_all(&body).unwrap();
        });
        address
    }

    const BODY_BYTES: u64 = 200_000;

    #[test]
    fn an_echo_that_is_not_the_same_is_an_error() {
        let echoed = |answer: fn(Vec<u8>) -> Vec<u8>| {
            let (mut times, address) = (0, server(answer));
            echo(&address, "/", BODY_BYTES, |_| times += 1).map(|_| times)
        };
        assert!(echoed(|body| body).unwrap() > 0, "nobody watched");
        let short = echoed(|body| body[1..].to_vec()).unwrap_err().to_string();
        assert_eq!(short, "199999 of 200000 bytes came back");
        let turned = echoed(|mut body| {
            body.swap(100_000, 100_001);
            body
        });
        assert_eq!(turned.unwrap_err().to_string(), "what came back is not what was sent");
    }
}
