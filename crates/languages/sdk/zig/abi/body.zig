//! Bodies through streams: read whole, written whole.

const std = @import("std");
const abi = @import("types.zig");
const memory = @import("memory.zig");
const wasi = @import("http.zig");
const failure = @import("../failure.zig");
const http = @import("../http.zig");

/// How much is asked for at once: what a host's own buffers hold, and no more of the call's memory than it.
const piece = 64 * 1024;

/// All of an incoming body, which is dropped. One that ends before its end is an error of whoever sends it.
pub fn read(allocator: std.mem.Allocator, body: u32) http.Error![]const u8 {
    defer wasi.types.@"[resource-drop]incoming-body"(body);
    var opened: wasi.MaybeHandle = undefined;
    wasi.types.@"[method]incoming-body.stream"(body, &opened);
    if (opened.is_err) return failure.fail(error.Failed, "the body has been read already", .{});
    const stream = opened.either.ok;
    defer wasi.io.@"[resource-drop]input-stream"(stream);
    var whole: []const u8 = "";
    while (true) {
        var got: wasi.Read = undefined;
        wasi.io.@"[method]input-stream.blocking-read"(stream, piece, &got);
        if (!got.is_err) {
            whole = try joined(whole, got.either.ok.slice());
            continue;
        }
        if (broken(got.either.err)) return failure.fail(error.Unavailable, "the body broke off", .{});
        return memory.keep(allocator, whole);
    }
}

/// Two pieces as one. The call's memory puts one behind the other, so that there is seldom something to copy.
fn joined(whole: []const u8, next: []const u8) error{OutOfMemory}![]const u8 {
    if (whole.len == 0) return next;
    if (next.ptr == whole.ptr + whole.len) return whole.ptr[0 .. whole.len + next.len];
    return std.mem.concat(memory.allocator, u8, &.{ whole, next });
}

/// Writes all of an outgoing body and ends it. A reader who has gone away is told as false.
pub fn write(body: u32, bytes: []const u8) bool {
    if (!pour(body, bytes)) {
        wasi.types.@"[resource-drop]outgoing-body"(body);
        return false;
    }
    var finished: wasi.Finished = undefined;
    wasi.types.@"[static]outgoing-body.finish"(body, 0, 0, &finished);
    return !finished.is_err;
}

fn pour(body: u32, bytes: []const u8) bool {
    var opened: wasi.MaybeHandle = undefined;
    wasi.types.@"[method]outgoing-body.write"(body, &opened);
    if (opened.is_err) return false;
    const stream = opened.either.ok;
    defer wasi.io.@"[resource-drop]output-stream"(stream);
    var rest = bytes;
    while (rest.len > 0) {
        const len = @min(rest.len, room(stream) orelse return false);
        var written: wasi.Written = undefined;
        wasi.io.@"[method]output-stream.write"(stream, abi.start(rest), len, &written);
        if (written.is_err) {
            _ = broken(written.either.err);
            return false;
        }
        rest = rest[len..];
    }
    var flushed: wasi.Written = undefined;
    wasi.io.@"[method]output-stream.blocking-flush"(stream, &flushed);
    if (!flushed.is_err) return true;
    _ = broken(flushed.either.err);
    return false;
}

/// How much may be written now, waiting until it is something.
fn room(stream: u32) ?usize {
    while (true) {
        var free: wasi.Room = undefined;
        wasi.io.@"[method]output-stream.check-write"(stream, &free);
        if (free.is_err) {
            _ = broken(free.either.err);
            return null;
        }
        if (free.either.ok > 0) return std.math.lossyCast(usize, free.either.ok);
        wait(wasi.io.@"[method]output-stream.subscribe"(stream));
    }
}

/// Waits for what a pollable stands for; the call's time limit bounds it.
pub fn wait(pollable: u32) void {
    wasi.io.@"[method]pollable.block"(pollable);
    wasi.io.@"[resource-drop]pollable"(pollable);
}

/// Whether a stream broke, as against having come to its end. Its reason is dropped.
fn broken(err: wasi.StreamError) bool {
    if (err.tag != 0) return false;
    wasi.io.@"[resource-drop]error"(err.reason);
    return true;
}

/// The headers of a message, which are dropped.
pub fn headers(allocator: std.mem.Allocator, handle: u32) error{OutOfMemory}![]const http.Header {
    defer wasi.types.@"[resource-drop]fields"(handle);
    var entries: abi.List(abi.Pair) = undefined;
    wasi.types.@"[method]fields.entries"(handle, &entries);
    const made = try allocator.alloc(http.Header, entries.len);
    for (entries.slice(), made) |entry, *header| header.* = .{
        .name = try memory.keep(allocator, entry.name.slice()),
        .value = try memory.keep(allocator, entry.value.slice()),
    };
    return made;
}

/// Fields of these headers; one that the host refuses is the component's mistake.
pub fn fields(given: []const http.Header) failure.Error!u32 {
    const made = wasi.types.@"[constructor]fields"();
    errdefer wasi.types.@"[resource-drop]fields"(made);
    for (given) |header| {
        var appended: wasi.Appended = undefined;
        wasi.types.@"[method]fields.append"(made, abi.start(header.name), header.name.len, abi.start(header.value), header.value.len, &appended);
        if (appended.is_err) return failure.fail(error.Failed, "the header `{s}` can't be sent", .{header.name});
    }
    return made;
}
