//! An HTTP service: `wasi:http`, so that it runs on any host that speaks it.

const std = @import("std");
const airssys = @import("airssys");
const Incoming = airssys.http.Incoming;
const Response = airssys.http.Response;

pub fn handle(request: Incoming) !Response {
    const path = request.path();
    if (request.method == .GET and std.mem.eql(u8, path, "/")) return .text(200, "hello\n");
    if (request.method == .POST and std.mem.eql(u8, path, "/shout")) {
        return .text(200, try std.ascii.allocUpperString(request.allocator, request.body));
    }
    return .text(404, "no such page\n");
}

test "what is posted is shouted back" {
    var arena: std.heap.ArenaAllocator = .init(std.testing.allocator);
    defer arena.deinit();
    const response = try handle(.{
        .allocator = arena.allocator(),
        .method = .POST,
        .target = "/shout?loud",
        .body = "ada",
    });
    try std.testing.expectEqual(200, response.status);
    try std.testing.expectEqualStrings("ADA", response.body);
}

test "another page is not there" {
    const response = try handle(.{ .allocator = std.testing.failing_allocator, .target = "/nowhere" });
    try std.testing.expectEqual(404, response.status);
}
