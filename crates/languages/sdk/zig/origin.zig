//! What of a URL is told in errors, which reach the caller: its scheme and host. A path, a query and a password can
//! hold secrets.

const std = @import("std");

/// Who a URL asks, for a format: `{f}`.
pub const Origin = struct {
    url: []const u8,

    pub fn format(origin: Origin, writer: *std.Io.Writer) std.Io.Writer.Error!void {
        const url = origin.url;
        const scheme = std.mem.findAny(u8, url, ":/?#") orelse url.len;
        const host_at = if (std.mem.startsWith(u8, url[scheme..], "://")) scheme + 3 else 0;
        const rest = url[host_at..];
        const authority = rest[0 .. std.mem.findAny(u8, rest, "/?#") orelse rest.len];
        const host = if (std.mem.findScalarLast(u8, authority, '@')) |at| authority[at + 1 ..] else authority;
        try writer.print("{s}{s}", .{ url[0..host_at], host });
    }
};

test "an origin is a scheme and a host, and no secret" {
    const told = struct {
        fn told(expected: []const u8, url: []const u8) !void {
            var buffer: [64]u8 = undefined;
            try std.testing.expectEqualStrings(expected, try std.fmt.bufPrint(&buffer, "{f}", .{Origin{ .url = url }}));
        }
    }.told;
    try told("https://a.example", "https://a.example/b?api_key=c#d");
    try told("http://a:80", "http://a:80?api_key=c");
    try told("https://a.example", "https://user:word@a.example/");
    try told("https://[::1]:8443", "https://[::1]:8443/@b");
    try told("a.example", "a.example/b?next=http://c");
    try told("mailto:", "mailto:?c=://d");
    try told("", "");
}
