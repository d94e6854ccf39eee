//! `wasi:http`, outgoing.

const std = @import("std");
const abi = @import("../abi/types.zig");
const body = @import("../abi/body.zig");
const wasi = @import("../abi/http.zig");
const failure = @import("../failure.zig");
const http = @import("../http.zig");
const Origin = @import("../origin.zig").Origin;

pub fn send(allocator: std.mem.Allocator, request: http.Request) http.Error!http.Response {
    const future = try begin(request);
    defer wasi.types.@"[resource-drop]future-incoming-response"(future);
    body.wait(wasi.types.@"[method]future-incoming-response.subscribe"(future));
    var answered: wasi.Answered = undefined;
    wasi.types.@"[method]future-incoming-response.get"(future, &answered);
    if (!answered.some or answered.value.is_err) {
        return failure.fail(error.Failed, "the response can't be had", .{});
    }
    const outcome = answered.value.either.ok;
    if (outcome.is_err) return refused(outcome.either.err, request.url);
    return receive(allocator, outcome.either.ok);
}

/// Hands the request to the host, with its body.
fn begin(request: http.Request) http.Error!u32 {
    const parts = try Parts.of(request.url);
    const made = wasi.types.@"[constructor]outgoing-request"(try body.fields(request.headers));
    if (!describe(made, request.method, parts)) {
        wasi.types.@"[resource-drop]outgoing-request"(made);
        return failure.fail(error.InvalidInput, "`{f}` is no URL to send to", .{Origin{ .url = request.url }});
    }
    var opened: wasi.MaybeHandle = undefined;
    wasi.types.@"[method]outgoing-request.body"(made, &opened);
    var handled: wasi.Handled = undefined;
    wasi.outgoing.handle(made, 0, 0, &handled);
    if (handled.is_err) {
        if (!opened.is_err) wasi.types.@"[resource-drop]outgoing-body"(opened.either.ok);
        return refused(handled.either.err, request.url);
    }
    // A server that answers before it has read everything closes the body; its answer says more than that.
    if (!opened.is_err) _ = body.write(opened.either.ok, request.body);
    return handled.either.ok;
}

fn describe(request: u32, method: http.Method, parts: Parts) bool {
    const name = @tagName(method);
    const others = @backingInt(http.Method.QUERY);
    const set_method = wasi.types.@"[method]outgoing-request.set-method";
    if (set_method(request, @min(@backingInt(method), others), abi.start(name), name.len) != 0) return false;
    const set_scheme = wasi.types.@"[method]outgoing-request.set-scheme";
    if (set_scheme(request, 1, @intFromBool(parts.secure), "", 0) != 0) return false;
    const set_authority = wasi.types.@"[method]outgoing-request.set-authority";
    if (set_authority(request, 1, abi.start(parts.authority), parts.authority.len) != 0) return false;
    const set_path = wasi.types.@"[method]outgoing-request.set-path-with-query";
    return set_path(request, 1, abi.start(parts.target), parts.target.len) == 0;
}

fn receive(allocator: std.mem.Allocator, response: u32) http.Error!http.Response {
    defer wasi.types.@"[resource-drop]incoming-response"(response);
    const status: u16 = @intCast(wasi.types.@"[method]incoming-response.status"(response));
    const headers = try body.headers(allocator, wasi.types.@"[method]incoming-response.headers"(response));
    var consumed: wasi.MaybeHandle = undefined;
    wasi.types.@"[method]incoming-response.consume"(response, &consumed);
    return .{
        .status = status,
        .headers = headers,
        .body = if (consumed.is_err) "" else try body.read(allocator, consumed.either.ok),
    };
}

/// A URL in the parts that the host wants.
const Parts = struct {
    secure: bool,
    authority: []const u8,
    /// The path with its query. A fragment is the client's own and is not sent.
    target: []const u8,

    fn of(url: []const u8) failure.Error!Parts {
        const end = std.mem.find(u8, url, "://") orelse return unknown(url);
        const secure = std.ascii.eqlIgnoreCase(url[0..end], "https");
        if (!secure and !std.ascii.eqlIgnoreCase(url[0..end], "http")) return unknown(url);
        var rest = url[end + 3 ..];
        if (std.mem.findScalar(u8, rest, '#')) |fragment| rest = rest[0..fragment];
        const path = std.mem.findAny(u8, rest, "/?") orelse rest.len;
        return .{
            .secure = secure,
            .authority = rest[0..path],
            .target = if (path == rest.len) "/" else rest[path..],
        };
    }
};

fn unknown(url: []const u8) failure.Error {
    return failure.fail(error.InvalidInput, "`{f}` is no http:// or https:// URL", .{Origin{ .url = url }});
}

fn refused(code: wasi.ErrorCode, url: []const u8) failure.Error {
    const asked: Origin = .{ .url = url };
    return switch (code.tag) {
        wasi.ErrorCode.request_denied, wasi.ErrorCode.ip_prohibited => failure.fail(
            error.Denied,
            "the request to {f} is not granted",
            .{asked},
        ),
        wasi.ErrorCode.internal_error => failure.fail(error.Unavailable, "{f}: {s}", .{
            asked, abi.slice(code.either.text) orelse "the host failed",
        }),
        else => failure.fail(error.Unavailable, "{f}: {s}", .{
            asked, if (code.tag < names.len) names[code.tag] else "it failed",
        }),
    };
}

/// The cases of the error by their number.
const names = [_][]const u8{
    "the name was not resolved in time",
    "the name was not resolved",
    "there is no such destination",
    "the destination is not available",
    "the destination's address is prohibited",
    "the destination's address can't be routed to",
    "the connection was refused",
    "the connection was cut",
    "the connection was not made in time",
    "nothing was read in time",
    "nothing was written in time",
    "there are too many connections",
    "a fault in TLS",
    "the certificate was not accepted",
    "TLS was refused by the other side",
    "the request is not granted",
    "the request needs a length",
    "the request's body is too large",
    "the method is invalid",
    "the URL is invalid",
    "the URL is too long",
    "the request's headers are too large",
    "a header of the request is too large",
    "the request's trailers are too large",
    "a trailer of the request is too large",
    "the response broke off",
    "the response's headers are too large",
    "a header of the response is too large",
    "the response's body is too large",
    "the response's trailers are too large",
    "a trailer of the response is too large",
    "the response's transfer coding is unknown",
    "the response's content coding is unknown",
    "no response in time",
    "the protocol was not changed",
    "a fault in HTTP",
    "the request would come back to its sender",
    "the host's configuration does not do",
};
