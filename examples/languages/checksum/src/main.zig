//! A checksum of what a call brings.

const std = @import("std");
const airssys = @import("airssys");
const Algorithm = @import("digest.zig").Algorithm;
const digest = @import("digest.zig").digest;

const Settings = struct { algorithm: Algorithm = .sha256 };
const Format = enum { text, json };

pub const Component = struct {
    settings: Settings,

    pub fn init(start: airssys.Start) !Component {
        return .{ .settings = try start.config(Settings) };
    }

    pub fn execute(self: *Component, call: airssys.Call) !airssys.Output {
        const algorithm = try chosen(Algorithm, call, "algorithm") orelse self.settings.algorithm;
        const format = try chosen(Format, call, "format") orelse .text;
        const checksum = try digest(call.allocator, algorithm, call.bytes());
        return switch (format) {
            .text => .text(checksum),
            .json => .json(call.allocator, .{
                .algorithm = @tagName(algorithm),
                .bytes = call.bytes().len,
                .checksum = checksum,
            }),
        };
    }
};

/// What the call's metadata chooses under this name; nothing where it does not say.
fn chosen(comptime Choice: type, call: airssys.Call, name: []const u8) !?Choice {
    const word = call.metadata(name) orelse return null;
    return std.meta.stringToEnum(Choice, word) orelse
        airssys.fail(error.InvalidInput, "no {s} called {s}", .{ name, word });
}

const Checksum = airssys.testing.Instance(Component);

test "a call chooses, and the configuration where it does not" {
    var checksum: Checksum = try .init("{\"algorithm\":\"crc32\"}");
    defer checksum.deinit();
    try std.testing.expectEqualStrings("cbf43926", (try checksum.call(.{ .body = "123456789" })).body);
    const output = try checksum.call(.{
        .metadata = &.{
            .{ .name = "Algorithm", .value = "xxh64" },
            .{ .name = "format", .value = "json" },
        },
    });
    try std.testing.expectEqualStrings(
        \\{"algorithm":"xxh64","bytes":0,"checksum":"ef46db3751d8e999"}
    , output.body);
}

test "what nobody knows is refused" {
    try std.testing.expectError(error.InvalidConfig, Checksum.init("{\"algorithm\":\"md4\"}"));
    var checksum: Checksum = try .init("{}");
    defer checksum.deinit();
    const wrong: airssys.Input = .{ .metadata = &.{.{ .name = "algorithm", .value = "md4" }} };
    try std.testing.expectError(error.InvalidInput, checksum.call(wrong));
    try std.testing.expectEqualStrings("no algorithm called md4", airssys.message());
}

test {
    _ = @import("digest.zig");
}
