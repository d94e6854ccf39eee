//! The memory of one call: what the host passes in, what the component makes of it, and the answer. It is taken up from
//! the front again when the answer has been read.
//!
//! WebAssembly's memory never shrinks, so what a call needed is kept for the next one; it grows no further than the
//! largest call. Blocks follow each other in whole pages at the end of the memory. A block is as large as it has to be:
//! an allocator that rounds to powers of two would double a large body.

const std = @import("std");
const Alignment = std.mem.Alignment;

const page = 64 * 1024;

/// A run of pages, with this at its start.
const Block = struct { end: usize, next: ?*Block = null };

var first: ?*Block = null;
var current: ?*Block = null;
/// Where the current block is free from.
var free_from: usize = 0;

/// The memory of the call that is under way.
pub const allocator: std.mem.Allocator = .{
    .ptr = undefined,
    .vtable = &.{ .alloc = alloc, .resize = resize, .remap = remap, .free = free },
};

/// Forgets everything in it.
pub fn reset() void {
    if (first) |block| enter(block);
}

/// How the host gets memory for what it passes in. Without it there is no call, and no answer either.
fn realloc(old: usize, old_len: usize, alignment: usize, new_len: usize) callconv(.c) usize {
    if (new_len == 0) return alignment;
    const at = alloc(undefined, new_len, .fromByteUnits(alignment), 0) orelse @panic("out of memory");
    if (old_len > 0) @memcpy(at[0..@min(old_len, new_len)], @as([*]const u8, @ptrFromInt(old)));
    return @intFromPtr(at);
}

/// What the host answered, in memory of this allocator: where it lies already, or a copy that outlives the call.
pub fn keep(given: std.mem.Allocator, bytes: []const u8) error{OutOfMemory}![]const u8 {
    return if (given.vtable == allocator.vtable) bytes else given.dupe(u8, bytes);
}

/// Exports what the host allocates with.
pub fn exportRealloc() void {
    @export(&realloc, .{ .name = "cabi_realloc" });
}

fn alloc(_: *anyopaque, len: usize, alignment: Alignment, _: usize) ?[*]u8 {
    while (current) |block| {
        const start = alignment.forward(free_from);
        const end = start +| len;
        if (reaches(block, end)) {
            free_from = end;
            return @ptrFromInt(start);
        }
        enter(block.next orelse break);
    }
    const needed = std.math.add(usize, len, @sizeOf(Block) + alignment.toByteUnits()) catch return null;
    const block = append(needed) orelse return null;
    enter(block);
    const start = alignment.forward(free_from);
    free_from = start + len;
    return @ptrFromInt(start);
}

/// Whether a block is that long, or has been made so: the last one of the memory can grow.
fn reaches(block: *Block, end: usize) bool {
    if (end <= block.end) return true;
    if (block.end != @wasmMemorySize(0) *| page) return false;
    const more = std.mem.alignForward(u64, end - block.end, page);
    if (@wasmMemoryGrow(0, @intCast(more / page)) < 0) return false;
    block.end += @intCast(more);
    return true;
}

fn append(needed: usize) ?*Block {
    const pages: usize = @intCast(std.mem.alignForward(u64, needed, page) / page);
    const at = @wasmMemoryGrow(0, pages);
    if (at < 0) return null;
    const start = @as(usize, @intCast(at)) * page;
    const block: *Block = @ptrFromInt(start);
    block.* = .{ .end = start + pages * page };
    if (current) |last| last.next = block else first = block;
    return block;
}

fn enter(block: *Block) void {
    current = block;
    free_from = @intFromPtr(block) + @sizeOf(Block);
}

fn resize(_: *anyopaque, memory: []u8, _: Alignment, new_len: usize, _: usize) bool {
    const start = @intFromPtr(memory.ptr);
    if (start + memory.len != free_from) return new_len <= memory.len;
    const block = current orelse return false;
    if (!reaches(block, start +| new_len)) return false;
    free_from = start + new_len;
    return true;
}

fn remap(context: *anyopaque, memory: []u8, alignment: Alignment, new_len: usize, at: usize) ?[*]u8 {
    return if (resize(context, memory, alignment, new_len, at)) memory.ptr else null;
}

/// The last one is given back, as a temporary one often is; others are with the call.
fn free(_: *anyopaque, memory: []u8, _: Alignment, _: usize) void {
    const start = @intFromPtr(memory.ptr);
    if (start + memory.len == free_from) free_from = start;
}
