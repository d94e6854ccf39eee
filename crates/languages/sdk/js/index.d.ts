// The types of the SDK, with what each thing does.

/** JSON, as the configuration holds it. */
export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

/** What a handler may return. A string is answered as text, bytes without a content type. */
export type Answer = Output | string | Uint8Array | ArrayBuffer;

/** A name and a value. A name may stand more than once. */
export type Metadatum = [name: string, value: string];

/**
 * A component's functions. Each may be `async`. `this` is the definition itself, in each of them, and a variable of the
 * module lives as long as the instance: one call, unless the manifest's `[instances]` says otherwise.
 */
export interface Definition<Config extends object = { [name: string]: Json }, State = Json> {
  /**
   * Called once, before anything else, with the manifest's `[config]` and the operator's values over it. An error
   * (`InvalidConfig` where it is the operator's) fails the deployment before a call reaches it.
   */
  init?(config: Config): void | Promise<void>;
  /** Answers one call. An instance gets one at a time. */
  handle(input: Input, context: Context): Answer | Promise<Answer>;
  /** Between calls of an instance that is reused: an error replaces the instance. */
  health?(): void | Promise<void>;
  /** The last call to an instance that is let go in peace. It is no place to save. */
  shutdown?(): void | Promise<void>;
  /** What the component asks the operator for. It is read when the component is built. */
  capabilities?: Asked[] | (() => Asked[]);
  /** The state as it is now, after each call of an actor: bytes as they are, anything else as JSON. */
  save?(): State | Uint8Array | Promise<State | Uint8Array>;
  /** Takes up a saved state, after `init`. `savedBy` is the version of the release that saved it. */
  restore?(saved: Saved, savedBy: string): void | Promise<void>;
}

/**
 * Makes a component, which a project's `src/main` exports by default.
 *
 * ```js
 * export default component({
 *   init({ greeting }) {
 *     this.greeting = greeting;
 *   },
 *   handle(input) {
 *     return `${this.greeting}, ${input.text()}!`;
 *   },
 * });
 * ```
 */
export function component<Config extends object = { [name: string]: Json }, State = Json, Own extends object = {}>(
  definition: Definition<Config, State> & Own & ThisType<Definition<Config, State> & Own & { [name: string]: any }>,
): Definition<Config, State>;

/** A call's input. */
export class Input {
  constructor(body?: Uint8Array | string, options?: { contentType?: string; metadata?: Metadatum[] });
  /** The bytes, as they came. */
  readonly bytes: Uint8Array;
  /** What the bytes are, as a media type. */
  readonly contentType: string | undefined;
  /** What else came with the call, in its order. */
  readonly metadata: Metadatum[];
  /** The bytes as text; `InvalidInput` where they are not UTF-8. */
  text(): string;
  /** The bytes as JSON; `InvalidInput` where they are not. */
  json<T = any>(): T;
  /** The first value of this name, without regard to the name's case. */
  get(name: string): string | undefined;
}

/** What a component may know of the call that it answers. */
export class Context {
  constructor(context?: Partial<Pick<Context, "requestId" | "traceParent" | "deadlineNs" | "caller" | "attempt">>);
  /** The same in the caller's answer, in the log and in the audit trail. */
  readonly requestId: string;
  /** The caller's W3C `traceparent`. */
  readonly traceParent: string | undefined;
  /** Nanoseconds that were left of the call's time when it began. Above 2^53 they are rounded. */
  readonly deadlineNs: number | undefined;
  /** Who calls: the name of a service or a principal. */
  readonly caller: string | undefined;
  /** 1 for the first try, 2 for its first repetition. */
  readonly attempt: number;
  /** Milliseconds that are left of the call's time; undefined where it has no limit. The host keeps the limit. */
  timeLeft(): number | undefined;
}

/** A state that was saved. */
export class Saved {
  constructor(bytes: Uint8Array);
  readonly bytes: Uint8Array;
  text(): string;
  json<T = any>(): T;
}

export interface OutputOptions {
  /** What the bytes are, as a media type. */
  contentType?: string;
  /** What else is to be told to the caller. */
  metadata?: Metadatum[];
}

/** A call's output. */
export class Output {
  constructor(body?: Uint8Array | ArrayBuffer | string, options?: OutputOptions);
  readonly bytes: Uint8Array;
  readonly contentType: string | undefined;
  readonly metadata: Metadatum[];
  text(): string;
  json<T = any>(): T;
}

/** Text, as `text/plain; charset=utf-8` unless said otherwise. */
export function text(body: string, options?: OutputOptions): Output;
/** A value as JSON. */
export function json(value: unknown, options?: OutputOptions): Output;
/** Bytes. */
export function bytes(body: Uint8Array | ArrayBuffer, options?: OutputOptions): Output;

export type ErrorKind = "invalid-input" | "invalid-config" | "denied" | "unavailable" | "failed";

/**
 * An error that the caller is told of; the message holds no secret. Anything else that is thrown is told as `failed`
 * with its message, and its stack goes to the log.
 */
export class ComponentError extends Error {
  constructor(kind: ErrorKind, message: string, options?: ErrorOptions);
  readonly kind: ErrorKind;
}

/** The caller's input can't be used; the same will fail again. */
export class InvalidInput extends ComponentError {
  constructor(message: string, options?: ErrorOptions);
}
/** The operator's configuration can't be used. */
export class InvalidConfig extends ComponentError {
  constructor(message: string, options?: ErrorOptions);
}
/** The caller may not do this, or the component was not granted what it needs. */
export class Denied extends ComponentError {
  constructor(message: string, options?: ErrorOptions);
}
/** Something the component needs isn't there right now; trying later may help. */
export class Unavailable extends ComponentError {
  constructor(message: string, options?: ErrorOptions);
}
/** Anything else. */
export class Failed extends ComponentError {
  constructor(message: string, options?: ErrorOptions);
}

/** Something that a component asks the operator for. */
export interface Asked {
  capability: { tag: "file-read" | "file-write" | "network-outbound" | "environment"; val: string };
  reason?: string;
}

/** To read below this directory, as the component sees it. */
export function fileRead(path: string, reason?: string): Asked;
/** To write, create, rename and delete below this directory. */
export function fileWrite(path: string, reason?: string): Asked;
/** To send HTTP requests to this host; `*.example.com` is every name below it. */
export function networkOutbound(host: string, reason?: string): Asked;
/** To see the environment variable of this name. */
export function environment(name: string, reason?: string): Asked;

/** Lines of the service's log. `console` writes the same log; `critical` is here alone. */
export const log: {
  trace(...values: unknown[]): void;
  debug(...values: unknown[]): void;
  info(...values: unknown[]): void;
  warn(...values: unknown[]): void;
  error(...values: unknown[]): void;
  critical(...values: unknown[]): void;
};

/** Entries of a bucket. Without a right to it each throws `Denied`. */
export interface Bucket {
  get(key: string): Uint8Array | undefined;
  getText(key: string): string | undefined;
  set(key: string, value: string | Uint8Array): void;
  delete(key: string): void;
  has(key: string): boolean;
  /** The keys, a page at a time as they are asked for. */
  keys(): Generator<string>;
  /** Adds to the number under this key, and returns the sum. Beyond 2^53 it is rounded. */
  increment(key: string, delta?: number): number;
}

/** Entries that outlive the call. In tests they are in memory. */
export const keyvalue: {
  open(name: string): Bucket;
};

/** Calls of other services of the node. An error says in `why` what kept the call from its answer. */
export const services: {
  call(service: string, input: Input | string | Uint8Array): Output;
  /** A function of the service, with arguments and a result in WAVE: `"a text"`, `[1, 2]`. */
  invoke(service: string, name: string, args?: string[]): string;
};

/** Programs of the host, out of the operator's list. */
export const process: {
  run(name: string, stdin?: string | Uint8Array): { exitCode: number; stdout: Uint8Array; stderr: Uint8Array };
};

/** Single settings, for code that has no `init` at hand. */
export const settings: {
  get(name: string): string | undefined;
  all(): { [name: string]: string };
};
