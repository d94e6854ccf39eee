//! A command: arguments and stdin in, stdout and an exit code out. It is plain Zig and runs natively too.

const std = @import("std");

pub fn main(init: std.process.Init) !u8 {
    const args = try init.minimal.args.toSlice(init.arena.allocator());
    const greeting = if (args.len > 1) args[1] else "hello";
    var in_buffer: [64 * 1024]u8 = undefined;
    var out_buffer: [4096]u8 = undefined;
    var in = std.Io.File.stdin().readerStreaming(init.io, &in_buffer);
    var out = std.Io.File.stdout().writerStreaming(init.io, &out_buffer);
    greet(&in.interface, &out.interface, greeting) catch |err| {
        std.log.err("stdin: {t}", .{err});
        return 1;
    };
    try out.interface.flush();
    return 0;
}

/// Greets the name on each line; a line longer than the reader's buffer is an error.
fn greet(in: *std.Io.Reader, out: *std.Io.Writer, greeting: []const u8) !void {
    while (try in.takeDelimiter('\n')) |name| try out.print("{s}, {s}!\n", .{ greeting, name });
}

test "each line is greeted" {
    var in: std.Io.Reader = .fixed("ada\ngrace");
    var buffer: [64]u8 = undefined;
    var out: std.Io.Writer = .fixed(&buffer);
    try greet(&in, &out, "hi");
    try std.testing.expectEqualStrings("hi, ada!\nhi, grace!\n", out.buffered());
}
