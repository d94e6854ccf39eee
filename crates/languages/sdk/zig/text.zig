//! Text as the host takes it: UTF-8. Anything else in a text's place ends the instance, so what a component says is
//! mended on its way out: each byte that belongs to no character becomes U+FFFD, and a cut falls between characters.

const std = @import("std");

const replacement = "\u{FFFD}";

/// What a format makes of its arguments, as text: as much of it as there is room for.
pub fn print(comptime room: usize, into: *[room]u8, comptime format: []const u8, args: anytype) []const u8 {
    var raw: [room]u8 = undefined;
    var writer: std.Io.Writer = .fixed(&raw);
    if (writer.print(format, args)) |_| {
        return mend(into, writer.buffered());
    } else |_| {
        return mend(into, whole(writer.buffered()));
    }
}

/// The bytes as text, in memory of this allocator if there is something to mend.
pub fn mended(allocator: std.mem.Allocator, bytes: []const u8) error{OutOfMemory}![]const u8 {
    if (std.unicode.utf8ValidateSlice(bytes)) return bytes;
    return mend(try allocator.alloc(u8, bytes.len *| replacement.len), bytes);
}

/// The bytes as text, in as many whole characters as there is room for.
pub fn mend(into: []u8, bytes: []const u8) []const u8 {
    var at: usize = 0;
    var len: usize = 0;
    while (at < bytes.len) {
        const there = character(bytes[at..]);
        const put = there orelse replacement;
        if (into.len - len < put.len) break;
        @memcpy(into[len..][0..put.len], put);
        len += put.len;
        at += if (there) |some| some.len else 1;
    }
    return into[0..len];
}

/// The character that bytes begin with, if they do.
fn character(bytes: []const u8) ?[]const u8 {
    const len = std.unicode.utf8ByteSequenceLength(bytes[0]) catch return null;
    if (len > bytes.len or !std.unicode.utf8ValidateSlice(bytes[0..len])) return null;
    return bytes[0..len];
}

/// A text that was cut, without the character that the cut went through.
fn whole(text: []const u8) []const u8 {
    var at = text.len;
    while (at > 0 and text.len - at < 3) {
        at -= 1;
        const is_inside = text[at] & 0xC0 == 0x80;
        if (is_inside) continue;
        const len = std.unicode.utf8ByteSequenceLength(text[at]) catch return text;
        return if (len > text.len - at) text[0..at] else text;
    }
    return text;
}

test "a text that is cut ends with a character" {
    var into: [6]u8 = undefined;
    try std.testing.expectEqualStrings("abcdef", print(6, &into, "{s}", .{"abcdefgh"}));
    try std.testing.expectEqualStrings("abcde", print(6, &into, "{s}", .{"abcdeé"}));
    try std.testing.expectEqualStrings("abc", print(6, &into, "{s}", .{"abc😀"}));
    try std.testing.expectEqualStrings("ab😀", print(6, &into, "{s}", .{"ab😀é"}));
    try std.testing.expectEqualStrings("", print(6, &into, "", .{}));
}

test "bytes that are no text are replaced" {
    var into: [16]u8 = undefined;
    try std.testing.expectEqualStrings("a\u{FFFD}b\u{FFFD}\u{FFFD}é", mend(&into, "a\xffb\xe2\x82é"));
    try std.testing.expectEqualStrings("caf\u{FFFD}", print(16, &into, "{s}", .{"caf\xc3"}));
    // A surrogate, and more bytes than a character needs.
    try std.testing.expectEqualStrings("\u{FFFD}\u{FFFD}\u{FFFD}", mend(&into, "\xed\xa0\x80"));
    try std.testing.expectEqualStrings("\u{FFFD}\u{FFFD}", mend(&into, "\xc0\xaf"));
    // Five of three bytes, and no part of a sixth.
    const bad: [16]u8 = @splat(0xff);
    try std.testing.expectEqual(15, mend(&into, &bad).len);
}

test "text that is whole is not copied" {
    const text = "grüße";
    try std.testing.expectEqual(text.ptr, (try mended(std.testing.failing_allocator, text)).ptr);
    const bad = try mended(std.testing.allocator, "\xff");
    defer std.testing.allocator.free(@as([*]const u8, bad.ptr)[0..3]);
    try std.testing.expectEqualStrings("\u{FFFD}", bad);
}
