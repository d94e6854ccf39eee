//! The canonical ABI's values as they lie in memory: C's layout, so that `extern struct` has it.

/// A text or bytes.
pub const Text = List(u8);

/// A list. What the host made of an empty one dangles: it is never read, freed or moved. What it is given has to lie in
/// memory all the same, which Zig's own empty slices need not.
pub fn List(comptime T: type) type {
    return extern struct {
        ptr: [*]const T,
        len: usize,

        pub const empty: @This() = .of(&.{});

        pub fn of(items: []const T) @This() {
            return .{ .ptr = startOf(T, items), .len = items.len };
        }

        pub fn slice(list: @This()) []const T {
            return if (list.len == 0) &.{} else list.ptr[0..list.len];
        }
    };
}

/// Where the host may believe that these are.
pub fn startOf(comptime T: type, items: []const T) [*]const T {
    return if (items.len == 0) @ptrFromInt(@alignOf(T)) else items.ptr;
}

/// Where the host may believe that these bytes are.
pub fn start(bytes: []const u8) [*]const u8 {
    return startOf(u8, bytes);
}

/// Something, or nothing.
pub fn Option(comptime T: type) type {
    return extern struct {
        some: bool,
        value: T,

        pub const none: @This() = .{ .some = false, .value = undefined };

        pub fn of(value: T) @This() {
            return .{ .some = true, .value = value };
        }

        pub fn get(option: @This()) ?T {
            return if (option.some) option.value else null;
        }
    };
}

/// An outcome.
pub fn Result(comptime Ok: type, comptime Err: type) type {
    return extern struct {
        is_err: bool,
        either: extern union { ok: Ok, err: Err },

        pub fn success(ok: Ok) @This() {
            return .{ .is_err = false, .either = .{ .ok = ok } };
        }

        pub fn failure(err: Err) @This() {
            return .{ .is_err = true, .either = .{ .err = err } };
        }
    };
}

/// Where an outcome carries nothing. A byte, because an `extern` type has one at least; nobody reads it.
pub const Nothing = u8;

/// A case with a text; the text is there only where the case has one.
pub const Tagged = extern struct { tag: u8, text: Text };

/// One piece of metadata.
pub const Pair = extern struct { name: Text, value: Text };

/// A text that may be none.
pub fn optional(text: ?[]const u8) Option(Text) {
    return if (text) |some| .of(.of(some)) else .none;
}

/// The same, read.
pub fn slice(text: Option(Text)) ?[]const u8 {
    return if (text.get()) |some| some.slice() else null;
}
