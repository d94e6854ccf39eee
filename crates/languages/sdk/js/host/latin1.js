// Header values are bytes; as text they are Latin-1, a character a byte.

export function latin1(bytes) {
  return atob(bytes.toBase64());
}

export function bytesOfLatin1(text) {
  return Uint8Array.fromBase64(btoa(text));
}
