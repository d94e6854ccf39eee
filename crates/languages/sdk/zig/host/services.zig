//! `airssys:component/services`.

const std = @import("std");
const abi = @import("../abi/types.zig");
const memory = @import("../abi/memory.zig");
const values = @import("../abi/values.zig");
const failure = @import("../failure.zig");
const services = @import("../services.zig");
const text = @import("../text.zig");
const Input = @import("../call.zig").Input;
const Output = @import("../output.zig").Output;

const CallError = extern struct {
    tag: u8,
    either: extern union { text: abi.Text, fault: values.Failure },
};
const Called = abi.Result(values.Output, CallError);
const Invoked = abi.Result(abi.Text, CallError);

const host = struct {
    extern "airssys:component/services@0.1.0" fn call(
        service: [*]const u8,
        service_len: usize,
        body: [*]const u8,
        body_len: usize,
        has_type: u32,
        content_type: [*]const u8,
        content_type_len: usize,
        metadata: [*]const abi.Pair,
        metadata_len: usize,
        into: *Called,
    ) void;
    extern "airssys:component/services@0.1.0" fn invoke(
        service: [*]const u8,
        service_len: usize,
        function: [*]const u8,
        function_len: usize,
        arguments: [*]const abi.Text,
        arguments_len: usize,
        into: *Invoked,
    ) void;
};

pub fn call(allocator: std.mem.Allocator, service: []const u8, input: Input) services.Error!Output {
    const content_type = try text.mended(allocator, input.content_type orelse "");
    const metadata = try values.pairs(allocator, input.metadata);
    var called: Called = undefined;
    host.call(
        abi.start(service),
        service.len,
        abi.start(input.body),
        input.body.len,
        @intFromBool(input.content_type != null),
        abi.start(content_type),
        content_type.len,
        abi.startOf(abi.Pair, metadata),
        metadata.len,
        &called,
    );
    if (called.is_err) return refused(called.either.err);
    const output = called.either.ok;
    const content = abi.slice(output.content_type);
    return .{
        .body = try memory.keep(allocator, output.body.slice()),
        .content_type = if (content) |it| try memory.keep(allocator, it) else null,
        .metadata = try values.metadata(allocator, output.metadata),
    };
}

pub fn invoke(
    allocator: std.mem.Allocator,
    service: []const u8,
    function: []const u8,
    arguments: []const []const u8,
) services.Error![]const u8 {
    const texts = try allocator.alloc(abi.Text, arguments.len);
    for (arguments, texts) |argument, *each| each.* = .of(argument);
    var invoked: Invoked = undefined;
    host.invoke(abi.start(service), service.len, abi.start(function), function.len, abi.startOf(abi.Text, texts), texts.len, &invoked);
    if (invoked.is_err) return refused(invoked.either.err);
    return try memory.keep(allocator, invoked.either.ok.slice());
}

fn refused(err: CallError) services.Error {
    const fault = err.either.fault;
    return switch (err.tag) {
        0 => failure.fail(error.Denied, "the call of the service is not granted", .{}),
        1 => failure.fail(error.ServiceNotFound, "{s}", .{err.either.text.slice()}),
        2 => failure.fail(error.LoopDetected, "the call would wait for itself", .{}),
        3 => failure.fail(error.ServiceRefused, "{s}", .{err.either.text.slice()}),
        4, 5 => failure.fail(error.Unavailable, "{s}", .{err.either.text.slice()}),
        // Its input was this component's doing, and not its caller's.
        6 => if (fault.kind == .unavailable)
            failure.fail(error.Unavailable, "{s}", .{fault.message.slice()})
        else
            failure.fail(error.ServiceRefused, "{s}", .{fault.message.slice()}),
        else => failure.fail(error.Failed, "{s}", .{err.either.text.slice()}),
    };
}
