//! Where the requests of an HTTP/1.1 connection begin and end, by RFC 9112, section 6 and nothing else: a second
//! reader, that takes whatever has a head and a body. What it does not look at is the first one's to refuse.

/// A request as it stands in the bytes.
pub(crate) struct Framed<'a> {
    pub(crate) method: &'a [u8],
    pub(crate) target: &'a [u8],
    /// Nothing, where it is not whole.
    pub(crate) body: Option<Vec<u8>>,
}

/// The requests of a connection, up to one that is not whole.
pub(crate) fn framed(bytes: &[u8]) -> impl Iterator<Item = Framed<'_>> {
    let mut rest = Some(bytes);
    std::iter::from_fn(move || {
        let (framed, after) = next(rest?)?;
        rest = after;
        Some(framed)
    })
}

/// The first request, and what is behind it.
fn next(bytes: &[u8]) -> Option<(Framed<'_>, Option<&[u8]>)> {
    let mut rest = bytes;
    let mut first = line(&mut rest)?;
    while first.is_empty() {
        first = line(&mut rest)?;
    }
    let mut words = first.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    let (method, target) = (words.next()?, words.next()?);
    let (mut length, mut is_chunked) = (0, false);
    loop {
        let field = line(&mut rest)?;
        if field.is_empty() {
            break;
        }
        let Some(colon) = field.iter().position(|byte| *byte == b':') else { continue };
        let (name, value) = (&field[..colon], field[colon + 1..].trim_ascii());
        if name.eq_ignore_ascii_case(b"transfer-encoding") {
            is_chunked = true;
        } else if name.eq_ignore_ascii_case(b"content-length") {
            length = number(value, 10).unwrap_or(0);
        }
    }
    let body = if is_chunked { chunks(&mut rest) } else { take(&mut rest, length) };
    let after = body.is_some().then_some(rest);
    Some((Framed { method, target, body }, after))
}

/// A line of a head, without its end, which may be a line feed alone.
fn line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = rest.iter().position(|byte| *byte == b'\n')?;
    let (line, after) = (&rest[..end], &rest[end + 1..]);
    *rest = after;
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}

/// A line among chunks, where a line feed alone ends nothing.
fn chunk_line<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let end = rest.windows(2).position(|two| two == b"\r\n")?;
    let (line, after) = (&rest[..end], &rest[end + 2..]);
    *rest = after;
    Some(line)
}

fn take(rest: &mut &[u8], length: usize) -> Option<Vec<u8>> {
    let (taken, after) = rest.split_at_checked(length)?;
    *rest = after;
    Some(taken.to_vec())
}

/// Chunks down to the empty one, and the trailers behind it.
fn chunks(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let head = chunk_line(rest)?;
        let size = head.split(|byte| *byte == b';').next().unwrap_or_default();
        let size = number(size.trim_ascii(), 16)?;
        if size == 0 {
            while !chunk_line(rest)?.is_empty() {}
            return Some(body);
        }
        body.extend(take(rest, size)?);
        if !chunk_line(rest)?.is_empty() {
            return None;
        }
    }
}

fn number(digits: &[u8], radix: u32) -> Option<usize> {
    usize::from_str_radix(std::str::from_utf8(digits).ok()?, radix).ok()
}
