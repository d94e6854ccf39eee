//! HTTP both ways: requests that a component sends, and those that an HTTP service answers.
//!
//! Bodies are whole in memory, bounded by the instance's memory limit.

const std = @import("std");
const host = @import("host.zig").http;
const failure = @import("failure.zig");

pub const Error = failure.Error || error{OutOfMemory};
pub const Method = std.http.Method;

/// A header. A name may stand more than once.
pub const Header = struct { name: []const u8, value: []const u8 };

/// A request to be sent.
pub const Request = struct {
    method: Method = .GET,
    /// `http://` or `https://`, whole.
    url: []const u8,
    headers: []const Header = &.{},
    body: []const u8 = "",
};

/// A response: what was answered to a request sent, or what a service answers.
pub const Response = struct {
    status: u16 = 200,
    headers: []const Header = &.{},
    body: []const u8 = "",

    /// A text in answer.
    pub fn text(status: u16, body: []const u8) Response {
        return .{
            .status = status,
            .headers = &.{.{ .name = "content-type", .value = "text/plain; charset=utf-8" }},
            .body = body,
        };
    }

    /// A value as JSON in answer.
    pub fn json(allocator: std.mem.Allocator, status: u16, value: anytype) error{OutOfMemory}!Response {
        return .{
            .status = status,
            .headers = &.{.{ .name = "content-type", .value = "application/json" }},
            .body = try std.json.Stringify.valueAlloc(allocator, value, .{}),
        };
    }

    /// The first value of this header, without regard to case.
    pub fn header(response: Response, name: []const u8) ?[]const u8 {
        return find(response.headers, name);
    }
};

/// A request that a service answers. Everything in it, and everything that its allocator gives, is freed when the
/// response is sent.
pub const Incoming = struct {
    /// Memory of this request. Nothing of it has to be freed.
    allocator: std.mem.Allocator,
    method: Method = .GET,
    /// The path with its query, as it was sent.
    target: []const u8 = "/",
    headers: []const Header = &.{},
    body: []const u8 = "",

    /// The path alone, still percent-encoded.
    pub fn path(incoming: Incoming) []const u8 {
        const end = std.mem.findScalar(u8, incoming.target, '?') orelse incoming.target.len;
        return if (end == 0) "/" else incoming.target[0..end];
    }

    /// The first value of this name in the query, percent-decoded.
    pub fn query(incoming: Incoming, name: []const u8) error{OutOfMemory}!?[]const u8 {
        const at = std.mem.findScalar(u8, incoming.target, '?') orelse return null;
        var pairs = std.mem.splitScalar(u8, incoming.target[at + 1 ..], '&');
        while (pairs.next()) |pair| {
            const equals = std.mem.findScalar(u8, pair, '=') orelse pair.len;
            if (!std.mem.eql(u8, pair[0..equals], name)) continue;
            const value = try incoming.allocator.dupe(u8, pair[@min(equals + 1, pair.len)..]);
            std.mem.replaceScalar(u8, value, '+', ' ');
            return std.Uri.percentDecodeInPlace(value);
        }
        return null;
    }

    /// The first value of this header, without regard to case.
    pub fn header(incoming: Incoming, name: []const u8) ?[]const u8 {
        return find(incoming.headers, name);
    }
};

/// Sends a request and waits for its whole response. A host that was not granted is `error.Denied`; one that can't be
/// reached is `error.Unavailable`; a URL that is none is `error.InvalidInput`.
pub fn send(allocator: std.mem.Allocator, request: Request) Error!Response {
    return host.send(allocator, request);
}

/// Sends a `GET`.
pub fn get(allocator: std.mem.Allocator, url: []const u8) Error!Response {
    return send(allocator, .{ .url = url });
}

/// A service's response to an error: the caller is told of his own mistakes, and of others that there was one.
pub fn responseTo(err: anyerror) Response {
    return switch (failure.kindOf(err)) {
        .invalid_input => .text(400, failure.sentenceOf(err)),
        .denied => .text(403, failure.sentenceOf(err)),
        .unavailable => .text(503, failure.sentenceOf(err)),
        .invalid_config, .failed => .text(500, "the service failed\n"),
    };
}

fn find(headers: []const Header, name: []const u8) ?[]const u8 {
    for (headers) |each| {
        if (std.ascii.eqlIgnoreCase(each.name, name)) return each.value;
    }
    return null;
}

test "a target has a path and a query" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    const incoming: Incoming = .{ .allocator = arena.allocator(), .target = "/a?x=1&name=ada+b%21&flag" };
    try std.testing.expectEqualStrings("/a", incoming.path());
    try std.testing.expectEqualStrings("ada b!", (try incoming.query("name")).?);
    try std.testing.expectEqualStrings("", (try incoming.query("flag")).?);
    try std.testing.expectEqual(null, try incoming.query("nam"));
}
