// URL, after the URL Standard. Names of hosts beyond ASCII become Punycode without the standard's table of
// look-alikes: they are lower-cased and normalised.

import { URLSearchParams, onChange } from "./url-search-params.js";
import { parseHost } from "./url-host.js";

const PORTS = { "http:": "80", "https:": "443", "ws:": "80", "wss:": "443", "ftp:": "21", "file:": "" };

const sets = {
  fragment: ' "<>`',
  query: ' "#<>',
  specialQuery: " \"#<>'",
  path: ' "#<>?`{}^',
  userinfo: ' "#<>?`{}/:;=@[\\]^|',
};

export class URL {
  #parts;
  #searchParams;

  constructor(url, base) {
    const based = base === undefined ? undefined : parse(String(base));
    this.#take(parse(String(url), based));
  }

  static canParse(url, base) {
    return URL.parse(url, base) !== null;
  }

  static parse(url, base) {
    try {
      return new URL(url, base);
    } catch {
      return null;
    }
  }

  #take(parts) {
    this.#parts = parts;
    if (this.#searchParams === undefined) {
      this.#searchParams = new URLSearchParams(parts.query ?? "");
      onChange(this.#searchParams, (text) => (this.#parts.query = text === "" ? undefined : text));
    } else {
      onChange(this.#searchParams, undefined, parts.query ?? "");
    }
  }

  get href() {
    return written(this.#parts);
  }

  set href(url) {
    this.#take(parse(String(url)));
  }

  get origin() {
    const { scheme } = this.#parts;
    return isSpecial(scheme) && scheme !== "file:" ? `${scheme}//${this.host}` : "null";
  }

  get protocol() {
    return this.#parts.scheme;
  }

  set protocol(value) {
    const scheme = /^([a-z][a-z0-9+.-]*)(:|$)/i.exec(String(value))?.[1].toLowerCase();
    if (scheme === undefined || isSpecial(`${scheme}:`) !== isSpecial(this.#parts.scheme)) return;
    this.#parts.scheme = `${scheme}:`;
    if (this.#parts.port === PORTS[this.#parts.scheme]) this.#parts.port = "";
  }

  get username() {
    return this.#parts.username;
  }

  set username(value) {
    if (this.#parts.host) this.#parts.username = encoded(String(value), sets.userinfo);
  }

  get password() {
    return this.#parts.password;
  }

  set password(value) {
    if (this.#parts.host) this.#parts.password = encoded(String(value), sets.userinfo);
  }

  get host() {
    const { host, port } = this.#parts;
    return port === "" ? (host ?? "") : `${host}:${port}`;
  }

  set host(value) {
    const [, name, port] = /^(\[[^\]]*\]|[^:/?#]*)(?::(\d*))?/.exec(String(value));
    this.hostname = name;
    if (port) this.port = port;
  }

  get hostname() {
    return this.#parts.host ?? "";
  }

  set hostname(value) {
    const { scheme, opaque } = this.#parts;
    if (opaque !== undefined || value === "") return;
    try {
      this.#parts.host = parseHost(String(value).replace(/[/?#:\\].*$/, (rest) => (value[0] === "[" ? rest : "")), isSpecial(scheme));
    } catch {
      // A host that can't be is not taken, as the standard has it.
    }
  }

  get port() {
    return this.#parts.port;
  }

  set port(value) {
    const { scheme, host } = this.#parts;
    const digits = /^\d*/.exec(String(value))[0];
    if (!host || scheme === "file:" || (digits === "" && value !== "") || Number(digits) > 65535) return;
    this.#parts.port = digits === "" ? "" : portFor(scheme, digits);
  }

  get pathname() {
    const { opaque, path } = this.#parts;
    return opaque ?? pathText(path);
  }

  set pathname(value) {
    const { scheme, opaque } = this.#parts;
    if (opaque === undefined) this.#parts.path = parsePath(String(value), isSpecial(scheme), []);
  }

  get search() {
    return this.#parts.query ? `?${this.#parts.query}` : "";
  }

  set search(value) {
    const text = String(value).replace(/^\?/, "");
    const query = encoded(text, isSpecial(this.#parts.scheme) ? sets.specialQuery : sets.query);
    this.#parts.query = text === "" ? undefined : query;
    onChange(this.#searchParams, undefined, query);
  }

  get searchParams() {
    return this.#searchParams;
  }

  get hash() {
    return this.#parts.fragment ? `#${this.#parts.fragment}` : "";
  }

  set hash(value) {
    const text = String(value).replace(/^#/, "");
    this.#parts.fragment = text === "" ? undefined : encoded(text, sets.fragment);
  }

  toString() {
    return this.href;
  }

  toJSON() {
    return this.href;
  }
}

const isSpecial = (scheme) => Object.hasOwn(PORTS, scheme);

/** The parts of a URL: scheme, username, password, host, port, path (a list) or opaque (a text), query, fragment. */
function parse(text, base) {
  const input = text.replace(/^[\x00-\x20]+|[\x00-\x20]+$/g, "").replace(/[\t\n\r]/g, "");
  const [, before, fragment] = /^([^#]*)(?:#([^]*))?$/.exec(input);
  const own = fragment === undefined ? undefined : encoded(fragment, sets.fragment);
  const [, name, rest] = /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?([^]*)$/.exec(before);
  if (name === undefined) {
    if (base === undefined) throw invalid(text);
    return { ...relative(rest, base, input, text), fragment: own };
  }
  const scheme = `${name.toLowerCase()}:`;
  if (!isSpecial(scheme)) return { ...unspecial(scheme, rest, text), fragment: own };
  const slashes = /^[/\\]*/.exec(rest)[0].length;
  if (scheme === "file:") return { ...file(rest, base?.scheme === scheme ? base : undefined, text), fragment: own };
  if (slashes < 2 && base?.scheme === scheme) return { ...relative(rest, base, input, text), fragment: own };
  return { ...authority(scheme, rest.slice(slashes), text), fragment: own };
}

function invalid(text) {
  return Object.assign(new TypeError(`Invalid URL`), { code: "ERR_INVALID_URL", input: text });
}

const empty = { username: "", password: "", host: undefined, port: "", path: [], opaque: undefined, query: undefined };

function authority(scheme, text, whole) {
  const special = isSpecial(scheme);
  const [, named, after] = (special ? /^([^/\\?]*)([^]*)$/ : /^([^/?]*)([^]*)$/).exec(text);
  const at = named.lastIndexOf("@");
  const [, username, , password = ""] = /^([^:]*)(:([^]*))?$/.exec(at < 0 ? "" : named.slice(0, at));
  const [, name, port] = /^(\[[^\]]*\]|[^:]*)(?::([^]*))?$/.exec(named.slice(at + 1)) ?? [];
  const bad = name === undefined || (port && !/^\d+$/.test(port)) || Number(port) > 65535;
  if (bad || (name === "" && (special || at >= 0 || port))) throw invalid(whole);
  return {
    ...empty,
    ...pathAndQuery(after, special, []),
    scheme,
    username: encoded(username, sets.userinfo),
    password: encoded(password, sets.userinfo),
    host: hostOf(name, special, whole),
    port: port ? portFor(scheme, port) : "",
  };
}

function hostOf(name, special, whole) {
  try {
    return parseHost(name, special);
  } catch {
    throw invalid(whole);
  }
}

const portFor = (scheme, digits) => (String(Number(digits)) === PORTS[scheme] ? "" : String(Number(digits)));

function unspecial(scheme, rest, whole) {
  if (rest.startsWith("//")) return authority(scheme, rest.slice(2), whole);
  if (rest.startsWith("/")) return { ...empty, scheme, ...pathAndQuery(rest, false, []) };
  const [, path, query] = /^([^?]*)(?:\?([^]*))?$/.exec(rest);
  // A space at the end would be lost when the text is parsed again.
  const opaque = encoded(path, "").replace(/ $/, "%20");
  return { ...empty, scheme, opaque, query: query === undefined ? undefined : encoded(query, sets.query) };
}

function file(rest, base, whole) {
  const scheme = "file:";
  const text = rest.replace(/\\/g, "/");
  if (text.startsWith("//")) {
    const [, name, after] = /^\/\/([^/?]*)([^]*)$/.exec(text);
    const drive = /^[a-zA-Z][:|]$/.test(name);
    const host = drive || name === "" ? "" : hostOf(name, true, whole);
    return { ...empty, scheme, host: host === "localhost" ? "" : host, ...pathAndQuery(drive ? `/${name}${after}` : after, true, [], true) };
  }
  if (text.startsWith("/") || base === undefined) return { ...empty, scheme, host: base?.host ?? "", ...pathAndQuery(text, true, [], true) };
  return relative(text, base, text, whole);
}

function relative(rest, base, input, whole) {
  const { scheme, opaque } = base;
  if (opaque !== undefined) {
    if (!input.startsWith("#")) throw invalid(whole);
    return { ...base };
  }
  const special = isSpecial(scheme);
  const text = special ? rest.replace(/^[^?]*/, (path) => path.replace(/\\/g, "/")) : rest;
  if (text.startsWith("//")) return scheme === "file:" ? file(text, base, whole) : authority(scheme, text.slice(2), whole);
  const kept = { ...base, fragment: undefined };
  if (text === "") return kept;
  if (text.startsWith("?")) return { ...kept, query: encoded(text.slice(1), special ? sets.specialQuery : sets.query) };
  const from = text.startsWith("/") ? [] : base.path.slice(0, -1);
  return { ...kept, query: undefined, ...pathAndQuery(text, special, from, scheme === "file:") };
}

function pathAndQuery(text, special, from, isFile = false) {
  const [, path, query] = /^([^?]*)(?:\?([^]*))?$/.exec(text);
  return {
    path: path === "" && !special && from.length === 0 ? [] : parsePath(path, special, from, isFile),
    query: query === undefined ? undefined : encoded(query, special ? sets.specialQuery : sets.query),
  };
}

/** The segments of a path, with `.` and `..` followed. */
function parsePath(text, special, from, isFile = false) {
  const slashed = special ? text.replace(/\\/g, "/") : text;
  const segments = slashed.replace(/^\//, "").split("/");
  const path = [...from];
  segments.forEach((segment, index) => {
    const last = index === segments.length - 1;
    if (/^(\.|%2e)(\.|%2e)$/i.test(segment)) {
      if (!(isFile && path.length === 1 && /^[a-zA-Z]:$/.test(path[0]))) path.pop();
      if (last) path.push("");
    } else if (/^(\.|%2e)$/i.test(segment)) {
      if (last) path.push("");
    } else {
      const drive = isFile && path.length === 0 && /^[a-zA-Z][:|]$/.test(segment);
      path.push(drive ? `${segment[0]}:` : encoded(segment, sets.path));
    }
  });
  return path;
}

const pathText = (path) => path.map((segment) => `/${segment}`).join("");

function written({ scheme, username, password, host, port, path, opaque, query, fragment }) {
  const credentials = username || password ? `${username}${password && `:${password}`}@` : "";
  const named = host === undefined ? (path.length > 1 && path[0] === "" ? "/." : "") : `//${credentials}${host}${port && `:${port}`}`;
  const place = opaque ?? pathText(path);
  return `${scheme}${named}${place}${query === undefined ? "" : `?${query}`}${fragment === undefined ? "" : `#${fragment}`}`;
}

/** Percent-encodes what is not printable ASCII, and these characters. */
function encoded(text, characters) {
  if (/^[\w.~/-]*$/.test(text)) return text;
  let out = "";
  for (const character of text.toWellFormed()) {
    const code = character.codePointAt(0);
    if (code > 0x7e) out += encodeURIComponent(character);
    else if (code < 0x20 || characters.includes(character)) out += `%${code.toString(16).toUpperCase().padStart(2, "0")}`;
    else out += character;
  }
  // DEL is ASCII, and no encodeURIComponent leaves it.
  return out;
}

export { URLSearchParams };
