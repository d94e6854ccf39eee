//! `wasi:http` and the streams under it, as far as the SDK uses them. Handles are numbers; whoever makes one drops it.

const abi = @import("types.zig");

/// What can be wrong with a request or a response. Only the last case's text is read.
pub const ErrorCode = extern struct {
    tag: u8,
    either: extern union { text: abi.Option(abi.Text), number: abi.Option(u64), room: [24]u8 },

    pub const ip_prohibited = 4;
    pub const request_denied = 15;
    pub const internal_error = 38;
};

pub const MaybeHandle = abi.Result(u32, abi.Nothing);
pub const Handled = abi.Result(u32, ErrorCode);
pub const Finished = abi.Result(abi.Nothing, ErrorCode);
pub const Answered = abi.Option(abi.Result(abi.Result(u32, ErrorCode), abi.Nothing));
pub const Appended = abi.Result(abi.Nothing, u8);
pub const Method = abi.Tagged;

/// A stream's error: a handle of a reason, or that it is closed.
pub const StreamError = extern struct { tag: u8, reason: u32 };
pub const Read = abi.Result(abi.Text, StreamError);
pub const Room = abi.Result(u64, StreamError);
pub const Written = abi.Result(abi.Nothing, StreamError);

pub const types = struct {
    pub extern "wasi:http/types@0.2.12" fn @"[constructor]fields"() u32;
    pub extern "wasi:http/types@0.2.12" fn @"[method]fields.append"(fields: u32, name: [*]const u8, name_len: usize, value: [*]const u8, value_len: usize, into: *Appended) void;
    pub extern "wasi:http/types@0.2.12" fn @"[method]fields.entries"(fields: u32, into: *abi.List(abi.Pair)) void;
    pub extern "wasi:http/types@0.2.12" fn @"[resource-drop]fields"(fields: u32) void;

    pub extern "wasi:http/types@0.2.12" fn @"[method]incoming-request.method"(request: u32, into: *Method) void;
    pub extern "wasi:http/types@0.2.12" fn @"[method]incoming-request.path-with-query"(request: u32, into: *abi.Option(abi.Text)) void;
    pub extern "wasi:http/types@0.2.12" fn @"[method]incoming-request.headers"(request: u32) u32;
    pub extern "wasi:http/types@0.2.12" fn @"[method]incoming-request.consume"(request: u32, into: *MaybeHandle) void;
    pub extern "wasi:http/types@0.2.12" fn @"[resource-drop]incoming-request"(request: u32) void;

    pub extern "wasi:http/types@0.2.12" fn @"[constructor]outgoing-request"(headers: u32) u32;
    pub extern "wasi:http/types@0.2.12" fn @"[method]outgoing-request.set-method"(request: u32, tag: u32, other: [*]const u8, other_len: usize) u32;
    pub extern "wasi:http/types@0.2.12" fn @"[method]outgoing-request.set-path-with-query"(request: u32, some: u32, path: [*]const u8, path_len: usize) u32;
    pub extern "wasi:http/types@0.2.12" fn @"[method]outgoing-request.set-scheme"(request: u32, some: u32, tag: u32, other: [*]const u8, other_len: usize) u32;
    pub extern "wasi:http/types@0.2.12" fn @"[method]outgoing-request.set-authority"(request: u32, some: u32, authority: [*]const u8, authority_len: usize) u32;
    pub extern "wasi:http/types@0.2.12" fn @"[method]outgoing-request.body"(request: u32, into: *MaybeHandle) void;
    pub extern "wasi:http/types@0.2.12" fn @"[resource-drop]outgoing-request"(request: u32) void;

    pub extern "wasi:http/types@0.2.12" fn @"[constructor]outgoing-response"(headers: u32) u32;
    pub extern "wasi:http/types@0.2.12" fn @"[method]outgoing-response.set-status-code"(response: u32, status: u32) u32;
    pub extern "wasi:http/types@0.2.12" fn @"[method]outgoing-response.body"(response: u32, into: *MaybeHandle) void;
    /// The outcome laid flat: which, the response or the error's case, and the error's own slots.
    pub extern "wasi:http/types@0.2.12" fn @"[static]response-outparam.set"(out: u32, is_err: u32, response: u32, a: u32, b: u64, c: u32, d: u32, e: u32, f: u32) void;

    pub extern "wasi:http/types@0.2.12" fn @"[method]outgoing-body.write"(body: u32, into: *MaybeHandle) void;
    pub extern "wasi:http/types@0.2.12" fn @"[static]outgoing-body.finish"(body: u32, some: u32, trailers: u32, into: *Finished) void;
    pub extern "wasi:http/types@0.2.12" fn @"[resource-drop]outgoing-body"(body: u32) void;

    pub extern "wasi:http/types@0.2.12" fn @"[method]incoming-response.status"(response: u32) u32;
    pub extern "wasi:http/types@0.2.12" fn @"[method]incoming-response.headers"(response: u32) u32;
    pub extern "wasi:http/types@0.2.12" fn @"[method]incoming-response.consume"(response: u32, into: *MaybeHandle) void;
    pub extern "wasi:http/types@0.2.12" fn @"[resource-drop]incoming-response"(response: u32) void;

    pub extern "wasi:http/types@0.2.12" fn @"[method]incoming-body.stream"(body: u32, into: *MaybeHandle) void;
    pub extern "wasi:http/types@0.2.12" fn @"[resource-drop]incoming-body"(body: u32) void;

    pub extern "wasi:http/types@0.2.12" fn @"[method]future-incoming-response.subscribe"(future: u32) u32;
    pub extern "wasi:http/types@0.2.12" fn @"[method]future-incoming-response.get"(future: u32, into: *Answered) void;
    pub extern "wasi:http/types@0.2.12" fn @"[resource-drop]future-incoming-response"(future: u32) void;
};

pub const outgoing = struct {
    pub extern "wasi:http/outgoing-handler@0.2.12" fn handle(request: u32, some: u32, options: u32, into: *Handled) void;
};

pub const io = struct {
    pub extern "wasi:io/poll@0.2.12" fn @"[method]pollable.block"(pollable: u32) void;
    pub extern "wasi:io/poll@0.2.12" fn @"[resource-drop]pollable"(pollable: u32) void;
    pub extern "wasi:io/error@0.2.12" fn @"[resource-drop]error"(reason: u32) void;

    pub extern "wasi:io/streams@0.2.12" fn @"[method]input-stream.blocking-read"(stream: u32, len: u64, into: *Read) void;
    pub extern "wasi:io/streams@0.2.12" fn @"[resource-drop]input-stream"(stream: u32) void;
    pub extern "wasi:io/streams@0.2.12" fn @"[method]output-stream.check-write"(stream: u32, into: *Room) void;
    pub extern "wasi:io/streams@0.2.12" fn @"[method]output-stream.write"(stream: u32, bytes: [*]const u8, len: usize, into: *Written) void;
    pub extern "wasi:io/streams@0.2.12" fn @"[method]output-stream.blocking-flush"(stream: u32, into: *Written) void;
    pub extern "wasi:io/streams@0.2.12" fn @"[method]output-stream.subscribe"(stream: u32) u32;
    pub extern "wasi:io/streams@0.2.12" fn @"[resource-drop]output-stream"(stream: u32) void;
};
