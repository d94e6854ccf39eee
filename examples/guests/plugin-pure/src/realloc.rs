//! The function by which a host asks for memory to put arguments in. The target's C library would bring one;
//! this component is linked without it.

use alloc::alloc::{Layout, alloc, handle_alloc_error, realloc};

/// `realloc` of the component model's canonical ABI. It never asks to shrink to nothing.
///
/// # Safety
///
/// `old` is a block of `old_len` bytes that this allocator gave, aligned to `align`, or `old_len` is 0.
#[unsafe(no_mangle)]
unsafe extern "C" fn cabi_realloc(
    old: *mut u8,
    old_len: usize,
    align: usize,
    len: usize,
) -> *mut u8 {
    // SAFETY: the ABI's alignments are powers of two and its lengths below 2 GiB.
    let layout = unsafe { Layout::from_size_align_unchecked(old_len, align) };
    let given = match (old_len, len) {
        // Nothing to hold: any aligned address that is not null.
        (0, 0) => return core::ptr::without_provenance_mut(align),
        // SAFETY: the length is not 0.
        (0, _) => unsafe { alloc(Layout::from_size_align_unchecked(len, align)) },
        // SAFETY: the caller's promise about `old`, which has this layout.
        _ => unsafe { realloc(old, layout, len) },
    };
    if given.is_null() {
        handle_alloc_error(layout);
    }
    given
}
