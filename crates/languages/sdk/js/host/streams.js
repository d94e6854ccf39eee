// Reading and writing the host's streams to their end.

const PIECE = 256 * 1024;
// What a stream takes in one blocking write, as WASI says it.
const WRITE = 4096;

/** The body of a message that came. */
export function readBody(message) {
  const body = message.consume();
  const stream = body.stream();
  try {
    return readAll(stream);
  } finally {
    stream[Symbol.dispose]();
    body[Symbol.dispose]();
  }
}

function readAll(stream) {
  const pieces = [];
  let length = 0;
  for (let piece = readSome(stream); piece !== undefined; piece = readSome(stream)) {
    pieces.push(piece);
    length += piece.length;
  }
  if (pieces.length === 1) return pieces[0];
  const all = new Uint8Array(length);
  let at = 0;
  for (const piece of pieces) {
    all.set(piece, at);
    at += piece.length;
  }
  return all;
}

/** The next piece, once there is one; undefined at the end. */
export function readSome(stream) {
  for (;;) {
    try {
      const piece = stream.blockingRead(PIECE);
      if (piece.length > 0) return piece;
    } catch (error) {
      if (error.payload?.tag === "closed") return undefined;
      throw told(error);
    }
  }
}

/** The body of a message that goes. */
export function writeBody(body, bytes) {
  if (bytes.length === 0) return;
  const stream = body.write();
  try {
    writeAll(stream, bytes);
  } finally {
    stream[Symbol.dispose]();
  }
}

/** Writes all of it, as fast as the reader takes it. */
export function writeAll(stream, bytes) {
  try {
    if (bytes.length <= WRITE) return bytes.length > 0 ? stream.blockingWriteAndFlush(bytes) : undefined;
    writePieces(stream, bytes);
  } catch (error) {
    throw told(error);
  }
}

function writePieces(stream, bytes) {
  const ready = stream.subscribe();
  try {
    for (let at = 0; at < bytes.length; ) {
      ready.block();
      const room = Number(stream.checkWrite());
      const end = Math.min(bytes.length, at + room);
      if (end > at) stream.write(bytes.subarray(at, end));
      at = end;
    }
    stream.flush();
    ready.block();
    stream.checkWrite();
  } finally {
    // Before its stream, which can't go while it has a child.
    ready[Symbol.dispose]();
  }
}

function told(error) {
  const { tag, val } = error.payload ?? {};
  if (tag === "closed") return new Error("the other side has closed the stream");
  if (tag !== "last-operation-failed") return error;
  return new Error(`the stream broke: ${val.toDebugString()}`);
}
