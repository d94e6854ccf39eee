//! The contract's own records as they lie in memory, and the SDK's types made of them and into them.

const std = @import("std");
const abi = @import("types.zig");
const memory = @import("memory.zig");
const call = @import("../call.zig");
const failure = @import("../failure.zig");
const output = @import("../output.zig");
const text = @import("../text.zig");

pub const Context = extern struct {
    request_id: abi.Text,
    trace_parent: abi.Option(abi.Text),
    deadline_ns: abi.Option(u64),
    caller: abi.Option(abi.Text),
    attempt: u32,

    pub fn read(context: Context) call.Context {
        return .{
            .request_id = context.request_id.slice(),
            .trace_parent = abi.slice(context.trace_parent),
            .deadline_ns = context.deadline_ns.get(),
            .caller = abi.slice(context.caller),
            .attempt = context.attempt,
        };
    }
};

/// `input` and `output` are laid out alike.
pub const Input = Output;

pub const Output = extern struct {
    body: abi.Text,
    content_type: abi.Option(abi.Text),
    metadata: abi.List(abi.Pair),

    pub fn of(allocator: std.mem.Allocator, given: output.Output) error{OutOfMemory}!Output {
        return .{
            .body = .of(given.body),
            .content_type = if (given.content_type) |it| .of(.of(try text.mended(allocator, it))) else .none,
            .metadata = .of(try pairs(allocator, given.metadata)),
        };
    }
};

pub const Failure = extern struct {
    kind: failure.Kind,
    message: abi.Text,

    pub fn of(err: anyerror) Failure {
        return .{ .kind = failure.kindOf(err), .message = .of(failure.sentenceOf(err)) };
    }
};

pub fn pairs(allocator: std.mem.Allocator, given: []const call.Metadatum) error{OutOfMemory}![]const abi.Pair {
    const made = try allocator.alloc(abi.Pair, given.len);
    for (given, made) |each, *pair| pair.* = .{
        .name = .of(try text.mended(allocator, each.name)),
        .value = .of(try text.mended(allocator, each.value)),
    };
    return made;
}

/// The list in memory of this allocator, its texts where the host put them.
pub fn read(allocator: std.mem.Allocator, list: abi.List(abi.Pair)) error{OutOfMemory}![]call.Metadatum {
    const made = try allocator.alloc(call.Metadatum, list.len);
    for (list.slice(), made) |pair, *each| each.* = .{ .name = pair.name.slice(), .value = pair.value.slice() };
    return made;
}

/// The list with its texts in memory of this allocator.
pub fn metadata(allocator: std.mem.Allocator, list: abi.List(abi.Pair)) error{OutOfMemory}![]const call.Metadatum {
    const made = try read(allocator, list);
    for (made) |*each| {
        each.name = try memory.keep(allocator, each.name);
        each.value = try memory.keep(allocator, each.value);
    }
    return made;
}
