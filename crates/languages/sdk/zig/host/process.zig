//! `airssys:component/process`.

const std = @import("std");
const abi = @import("../abi/types.zig");
const memory = @import("../abi/memory.zig");
const failure = @import("../failure.zig");
const process = @import("../process.zig");

const Ran = abi.Result(extern struct { exit_code: i32, stdout: abi.Text, stderr: abi.Text }, abi.Tagged);

const host = struct {
    extern "airssys:component/process@0.1.0" fn run(name: [*]const u8, name_len: usize, stdin: [*]const u8, stdin_len: usize, into: *Ran) void;
};

pub fn run(allocator: std.mem.Allocator, name: []const u8, stdin: []const u8) process.Error!process.Finished {
    var ran: Ran = undefined;
    host.run(abi.start(name), name.len, abi.start(stdin), stdin.len, &ran);
    if (ran.is_err) return refused(ran.either.err);
    const finished = ran.either.ok;
    return .{
        .exit_code = finished.exit_code,
        .stdout = try memory.keep(allocator, finished.stdout.slice()),
        .stderr = try memory.keep(allocator, finished.stderr.slice()),
    };
}

fn refused(err: abi.Tagged) process.Error {
    return switch (err.tag) {
        0 => failure.fail(error.Denied, "the program is not granted", .{}),
        1 => failure.fail(error.NoSuchProgram, "the operator's list has no such program", .{}),
        2 => failure.fail(error.Unavailable, "{s}", .{err.text.slice()}),
        3 => failure.fail(error.TooLarge, "{s}", .{err.text.slice()}),
        else => failure.fail(error.Failed, "{s}", .{err.text.slice()}),
    };
}
