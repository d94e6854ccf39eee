//! Programs of the host, out of the operator's list: `process = [{ name = "thumbs", reason = "previews" }]`.

const std = @import("std");
const host = @import("host.zig").process;
const failure = @import("failure.zig");

/// Why a program did not run to its end; `airssys.message()` has the sentence.
pub const Error = failure.Error || error{
    OutOfMemory,
    /// The operator's list has no such entry.
    NoSuchProgram,
    /// The input, or what it wrote, is larger than may be. In the second case it was killed.
    TooLarge,
};

/// What a program that ended leaves.
pub const Finished = struct {
    /// Its exit code; 128 and the signal's number where a signal ended it.
    exit_code: i32,
    stdout: []const u8,
    stderr: []const u8,
};

/// Runs the entry of this name with these bytes as its standard input, and waits for its end. A program that fails is
/// no error: its exit code says so.
pub fn run(allocator: std.mem.Allocator, name: []const u8, stdin: []const u8) Error!Finished {
    return host.run(allocator, name, stdin);
}
