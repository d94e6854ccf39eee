// The host of a URL: a name, an IPv4 address in any of its spellings, or an IPv6 address in brackets.

/** The host as it is written in a URL; throws where there can't be such a one. */
export function parseHost(text, special) {
  if (text.startsWith("[")) {
    if (!text.endsWith("]")) throw new TypeError("Invalid URL");
    return `[${ipv6(text.slice(1, -1))}]`;
  }
  if (!special) {
    if (/[\x00\t\n\r #/<>?@[\\\]^|]/.test(text)) throw new TypeError("Invalid URL");
    return text.replace(/[^\x21-\x7e]+/gu, encodeURIComponent);
  }
  const name = ascii(percentDecoded(text));
  if (name === "" || /[\x00-\x20"#%/:<>?@[\\\]^`{|}\x7f]/.test(name)) throw new TypeError("Invalid URL");
  const last = name.split(".").filter((part, index, all) => part !== "" || index < all.length - 1).at(-1);
  return /^(\d+|0x[0-9a-f]*)$/.test(last) ? ipv4(name) : name;
}

function percentDecoded(text) {
  if (!text.includes("%")) return text;
  const bytes = text.replace(/[^\x00-\x7f]+/g, encodeURIComponent).replace(/%([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
  return decodeURIComponent(escape(bytes));
}

function ascii(name) {
  const labels = name.normalize("NFKC").toLowerCase().normalize("NFC").replace(/\u00ad/g, "").split(/[.\u3002]/);
  return labels.map((label) => (/^[\x00-\x7f]*$/.test(label) ? label : `xn--${punycode(label)}`)).join(".");
}

/** RFC 3492. */
function punycode(label) {
  const points = Array.from(label, (character) => character.codePointAt(0));
  let output = points.filter((point) => point < 128).map((point) => String.fromCharCode(point)).join("");
  const basic = output.length;
  if (basic > 0) output += "-";
  let [point, delta, bias, handled] = [128, 0, 72, basic];
  while (handled < points.length) {
    const next = Math.min(...points.filter((other) => other >= point));
    delta += (next - point) * (handled + 1);
    point = next;
    for (const other of points) {
      if (other < point) delta++;
      if (other !== point) continue;
      output += variableLength(delta, bias);
      bias = adapted(delta, handled + 1, handled === basic);
      delta = 0;
      handled++;
    }
    delta++;
    point++;
  }
  return output;
}

function variableLength(delta, bias) {
  const digit = (value) => String.fromCharCode(value + (value < 26 ? 97 : 22));
  let text = "";
  let left = delta;
  for (let k = 36; ; k += 36) {
    const threshold = Math.min(26, Math.max(1, k - bias));
    if (left < threshold) return text + digit(left);
    text += digit(threshold + ((left - threshold) % (36 - threshold)));
    left = Math.floor((left - threshold) / (36 - threshold));
  }
}

function adapted(delta, points, first) {
  let left = first ? Math.floor(delta / 700) : delta >> 1;
  left += Math.floor(left / points);
  let k = 0;
  for (; left > 455; k += 36) left = Math.floor(left / 35);
  return k + Math.floor((36 * left) / (left + 38));
}

function ipv4(name) {
  const parts = name.replace(/\.$/, "").split(".");
  if (parts.length > 4) throw new TypeError("Invalid URL");
  const numbers = parts.map((part) => {
    if (/^0x[0-9a-f]*$/.test(part)) return part.length === 2 ? 0 : parseInt(part, 16);
    if (/^0[0-7]+$/.test(part)) return parseInt(part, 8);
    if (/^(0|[1-9]\d*)$/.test(part)) return Number(part);
    throw new TypeError("Invalid URL");
  });
  const last = numbers.pop();
  if (numbers.some((number) => number > 255) || last >= 256 ** (4 - numbers.length)) throw new TypeError("Invalid URL");
  const address = numbers.reduce((sum, number, index) => sum + number * 256 ** (3 - index), last);
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join(".");
}

function ipv6(text) {
  const mapped = text.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (all, ...bytes) => {
    const [a, b, c, d] = bytes.slice(0, 4).map(Number);
    if ([a, b, c, d].some((byte) => byte > 255)) throw new TypeError("Invalid URL");
    return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`;
  });
  const halves = mapped.split("::").map((half) => (half === "" ? [] : half.split(":")));
  const given = halves.flat();
  const wrong = halves.length > 2 || given.length > 8 || (halves.length === 1 ? given.length !== 8 : given.length > 7);
  if (wrong || given.some((piece) => !/^[0-9a-f]{1,4}$/i.test(piece))) throw new TypeError("Invalid URL");
  const zeros = Array(8 - given.length).fill("0");
  const pieces = [...halves[0], ...zeros, ...(halves[1] ?? [])].map((piece) => parseInt(piece, 16).toString(16));
  return shortened(pieces);
}

/** The longest run of zeros, the first of equal ones, is written as `::`. */
function shortened(pieces) {
  let [best, length] = [-1, 1];
  for (let at = 0; at < 8; at++) {
    let run = 0;
    while (at + run < 8 && pieces[at + run] === "0") run++;
    if (run > length) [best, length] = [at, run];
  }
  if (best < 0) return pieces.join(":");
  return `${pieces.slice(0, best).join(":")}::${pieces.slice(best + length).join(":")}`;
}
