//! Reading an answer as far as its end, piece by piece.

use anyhow::{Context, Result, bail};
use httparse::Status;

/// What a measurement looks at in an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Answer {
    /// The status code; 0 if there was no answer.
    pub(crate) status: u16,
    /// `x-airssys-version`, if there.
    pub(crate) version: Option<String>,
}

/// A head is no longer than this.
const HEAD_BYTES_MAX: usize = 16 << 10;

/// Reads one answer.
#[derive(Default)]
pub(super) struct Reader {
    /// Bytes of a head or of a chunk's first line that are not whole yet.
    kept: Vec<u8>,
    answer: Option<Answer>,
    body: Body,
}

#[derive(Default)]
enum Body {
    /// The head is not whole yet.
    #[default]
    Ahead,
    /// So many bytes are to come.
    Sized(u64),
    /// A chunk's first line is to come.
    ChunkHead,
    /// So many bytes of a chunk are to come, its line end among them.
    Chunk(u64),
    /// The line end after the last chunk is to come; the servers measured send no trailers.
    LastChunk(u64),
}

impl Reader {
    /// Takes what was read; the answer, if it is whole. Bytes after its end are an error.
    pub(super) fn take(&mut self, bytes: &[u8]) -> Result<Option<Answer>> {
        self.take_body(bytes, |_| ())
    }

    /// The same for one who wants to see the body, piece by piece.
    pub(super) fn take_body(
        &mut self,
        bytes: &[u8],
        piece: impl FnMut(&[u8]),
    ) -> Result<Option<Answer>> {
        if self.kept.is_empty() {
            return self.read(bytes, piece);
        }
        let mut whole = std::mem::take(&mut self.kept);
        whole.extend_from_slice(bytes);
        self.read(&whole, piece)
    }

    fn read(&mut self, mut bytes: &[u8], mut piece: impl FnMut(&[u8])) -> Result<Option<Answer>> {
        loop {
            match &mut self.body {
                Body::Ahead => match self.head(bytes)? {
                    Some(head) => bytes = &bytes[head..],
                    None => return self.keep(bytes),
                },
                Body::ChunkHead => match httparse::parse_chunk_size(bytes) {
                    Ok(Status::Complete((line, 0))) => {
                        bytes = &bytes[line..];
                        self.body = Body::LastChunk(2);
                    }
                    Ok(Status::Complete((line, size))) => {
                        bytes = &bytes[line..];
                        self.body = Body::Chunk(size + 2);
                    }
                    Ok(Status::Partial) => return self.keep(bytes),
                    Err(_) => bail!("a chunk without a size"),
                },
                Body::Chunk(left) => {
                    // The last two are its line end.
                    piece(first(bytes, left.saturating_sub(2)));
                    bytes = skip(bytes, left);
                    match *left {
                        0 => self.body = Body::ChunkHead,
                        _ => return Ok(None),
                    }
                }
                Body::Sized(left) => {
                    piece(first(bytes, *left));
                    let bytes = skip(bytes, left);
                    return whole(&mut self.answer, *left, bytes);
                }
                Body::LastChunk(left) => {
                    let bytes = skip(bytes, left);
                    return whole(&mut self.answer, *left, bytes);
                }
            }
        }
    }

    fn keep(&mut self, bytes: &[u8]) -> Result<Option<Answer>> {
        if bytes.len() > HEAD_BYTES_MAX {
            bail!("a head of more than {HEAD_BYTES_MAX} bytes");
        }
        self.kept = bytes.to_vec();
        Ok(None)
    }

    /// The length of the head, if it is whole.
    fn head(&mut self, bytes: &[u8]) -> Result<Option<usize>> {
        let mut headers = [httparse::EMPTY_HEADER; 32];
        let mut response = httparse::Response::new(&mut headers);
        let Status::Complete(head) = response.parse(bytes)? else { return Ok(None) };
        let value = |name: &str| {
            let mut headers = response.headers.iter();
            headers.find(|header| header.name.eq_ignore_ascii_case(name)).map(|header| header.value)
        };
        self.body = match value("content-length") {
            Some(length) => Body::Sized(std::str::from_utf8(length)?.parse()?),
            None if value("transfer-encoding").is_some() => Body::ChunkHead,
            None => bail!("an answer whose end is not told"),
        };
        let version = value("x-airssys-version").map(|v| String::from_utf8_lossy(v).into_owned());
        let status = response.code.context("an answer without a status")?;
        self.answer = Some(Answer { status, version });
        Ok(Some(head))
    }
}

/// The answer, if nothing of it is left to come.
fn whole(answer: &mut Option<Answer>, left: u64, after: &[u8]) -> Result<Option<Answer>> {
    match (left, after) {
        (0, []) => Ok(answer.take()),
        (0, _) => bail!("bytes after the end of an answer"),
        _ => Ok(None),
    }
}

/// So many of the bytes, or all.
fn first(bytes: &[u8], count: u64) -> &[u8] {
    &bytes[..bytes.len().min(usize::try_from(count).unwrap_or(usize::MAX))]
}

fn skip<'a>(bytes: &'a [u8], left: &mut u64) -> &'a [u8] {
    let skipped = first(bytes, *left).len();
    *left -= skipped as u64;
    &bytes[skipped..]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_whole_at_its_last_byte_however_it_is_cut() {
        let chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n1a\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\n\r\n";
        let sized = b"HTTP/1.1 502 Bad\r\nContent-Length: 2\r\n\r\nhi";
        let empty = b"HTTP/1.1 204 None\r\nContent-Length: 0\r\nx-airssys-version: 1.2.3\r\n\r\n";
        let cases = [
            (&chunked[..], 200, &b"hiabcdefghijklmnopqrstuvwxyz"[..]),
            (&sized[..], 502, b"hi"),
            (&empty[..], 204, b""),
        ];
        for (answer, status, body) in cases {
            for cut in 1..answer.len() {
                let (mut reader, mut came) = (Reader::default(), Vec::<u8>::new());
                let before = reader.take_body(&answer[..cut], |piece| came.extend(piece)).unwrap();
                assert_eq!(before, None, "at {cut}");
                let whole = reader.take_body(&answer[cut..], |piece| came.extend(piece)).unwrap();
                assert_eq!(whole.unwrap().status, status, "cut at {cut}");
                assert_eq!(came, body, "cut at {cut}");
            }
            assert!(Reader::default().take(answer).unwrap().is_some());
        }
        assert_eq!(
            Reader::default().take(empty).unwrap().unwrap().version.as_deref(),
            Some("1.2.3")
        );
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        for text in [
            "HTTP/1.1 200 OK\r\n\r\n",
            "SSH-2.0\r\n\r\n",
            "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\nhi",
        ] {
            assert!(Reader::default().take(text.as_bytes()).is_err(), "{text}");
        }
    }
}
