//! The checksums by name, each as lower-case hexadecimal digits in the order in which they are usually written.

const std = @import("std");

/// What can be computed.
pub const Algorithm = enum { crc32, sha256, blake3, xxh64 };

/// The checksum of these bytes.
pub fn digest(allocator: std.mem.Allocator, algorithm: Algorithm, bytes: []const u8) ![]const u8 {
    return switch (algorithm) {
        .crc32 => std.fmt.allocPrint(allocator, "{x:0>8}", .{std.hash.Crc32.hash(bytes)}),
        .xxh64 => std.fmt.allocPrint(allocator, "{x:0>16}", .{std.hash.XxHash64.hash(0, bytes)}),
        .sha256 => hexadecimal(std.crypto.hash.sha2.Sha256, allocator, bytes),
        .blake3 => hexadecimal(std.crypto.hash.Blake3, allocator, bytes),
    };
}

fn hexadecimal(comptime Hash: type, allocator: std.mem.Allocator, bytes: []const u8) ![]const u8 {
    var out: [Hash.digest_length]u8 = undefined;
    Hash.hash(bytes, &out, .{});
    return allocator.dupe(u8, &std.fmt.bytesToHex(out, .lower));
}

test "each has the value that its specification gives" {
    const known = [_]struct { Algorithm, []const u8, []const u8 }{
        .{ .crc32, "123456789", "cbf43926" },
        .{ .crc32, "", "00000000" },
        .{ .xxh64, "", "ef46db3751d8e999" },
        .{ .sha256, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
        .{ .blake3, "", "af1349b9f5f9a1a6a0404dea36dcc9499bcb25c9adc112b7cc9a93cae41f3262" },
    };
    for (known) |case| {
        const got = try digest(std.testing.allocator, case[0], case[1]);
        defer std.testing.allocator.free(got);
        try std.testing.expectEqualStrings(case[2], got);
    }
}
