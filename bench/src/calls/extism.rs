//! The peer for calls of plugins: Extism, through the C interface of its shared library, which is what its
//! kits for host languages call too.

use std::ffi::{CStr, c_char};
use std::path::Path;
use std::ptr;

use anyhow::{Context, Result, anyhow, bail};
use libloading::Library;

use super::turns::Caller;

/// The plugin, as text, which Extism takes as well.
const ECHO: &str = include_str!("echo.wat");

/// Its function.
const FUNCTION: &CStr = c"echo";

/// A plugin, known to the library alone.
#[repr(C)]
struct Opaque {
    _private: [u8; 0],
}

/// What is used of the library, as `extism.h` declares it.
struct Functions {
    new: unsafe extern "C" fn(
        *const u8,
        u64,
        *const *const Opaque,
        u64,
        bool,
        *mut *mut c_char,
    ) -> *mut Opaque,
    free: unsafe extern "C" fn(*mut Opaque),
    call: unsafe extern "C" fn(*mut Opaque, *const c_char, *const u8, u64) -> i32,
    error: unsafe extern "C" fn(*mut Opaque) -> *const c_char,
    output_length: unsafe extern "C" fn(*mut Opaque) -> u64,
    output_data: unsafe extern "C" fn(*mut Opaque) -> *const u8,
}

/// A plugin that answers with its input.
pub(super) struct Extism {
    plugin: *mut Opaque,
    functions: Functions,
    body: Vec<u8>,
    /// Where the functions are: unloaded after the plugin is freed.
    _library: Library,
}

// SAFETY: a plugin may be used from any thread, by one at a time: the library keeps it behind a lock of its
// own, and here it is reached through `&mut` alone.
unsafe impl Send for Extism {}

impl Extism {
    /// Loads the library and, in it, the plugin.
    pub(super) fn load(library: &Path, body: &[u8]) -> Result<Self> {
        // SAFETY: loading runs the library's initializers; it is the one that Extism publishes, at a version
        // whose digest was checked when it was installed.
        let library = unsafe { Library::new(library) }.context("Extism's library")?;
        let functions = Functions::find(&library)?;
        let mut message = ptr::null_mut();
        // SAFETY: the pointer and the length are those of a text that outlives the call; no host functions
        // are given, so none are read; `message` takes a pointer.
        let plugin = unsafe {
            (functions.new)(ECHO.as_ptr(), ECHO.len() as u64, ptr::null(), 0, false, &mut message)
        };
        if plugin.is_null() {
            // SAFETY: without a plugin the library has left a message or nothing.
            bail!("Extism takes no plugin: {}", unsafe { said(message) });
        }
        Ok(Self { plugin, functions, body: body.to_vec(), _library: library })
    }

    fn echo(&mut self) -> Result<Vec<u8>> {
        let Functions { call, error, output_length, output_data, .. } = self.functions;
        let (input, length) = (self.body.as_ptr(), self.body.len() as u64);
        // SAFETY: the plugin is alive until `self` is dropped and nobody else has it; the name ends in a
        // zero byte and the input is borrowed for as long as the call takes.
        if unsafe { call(self.plugin, FUNCTION.as_ptr(), input, length) } != 0 {
            // SAFETY: as above; the message is the plugin's own and lives until its next call.
            return Err(anyhow!("Extism: {}", unsafe { said(error(self.plugin)) }));
        }
        // SAFETY: as above; the output is the plugin's own, so many bytes long, and lives until its next
        // call. It is copied, so that the caller owns its answer as with the others.
        let output = unsafe {
            let length = usize::try_from(output_length(self.plugin))?;
            match output_data(self.plugin) {
                none if none.is_null() => &[],
                data => std::slice::from_raw_parts(data, length),
            }
        };
        Ok(output.to_vec())
    }
}

impl Caller for Extism {
    type Answer = Vec<u8>;

    async fn call(&mut self) -> Result<Vec<u8>> {
        self.echo()
    }

    fn is_right(&self, answer: &Vec<u8>) -> bool {
        *answer == self.body
    }
}

impl Drop for Extism {
    fn drop(&mut self) {
        // SAFETY: it came from this library, is freed once and is not used any more.
        unsafe { (self.functions.free)(self.plugin) }
    }
}

impl Functions {
    fn find(library: &Library) -> Result<Self> {
        // SAFETY: each field has the type of its function in `extism.h`. They are called only while the
        // library is loaded, because `Extism` holds both.
        unsafe {
            Ok(Self {
                new: *library.get(c"extism_plugin_new")?,
                free: *library.get(c"extism_plugin_free")?,
                call: *library.get(c"extism_plugin_call")?,
                error: *library.get(c"extism_plugin_error")?,
                output_length: *library.get(c"extism_plugin_output_length")?,
                output_data: *library.get(c"extism_plugin_output_data")?,
            })
        }
    }
}

/// A message of the library's.
///
/// # Safety
///
/// It is null, or a text that ends in a zero byte and lives until this returns.
unsafe fn said(message: *const c_char) -> String {
    if message.is_null() {
        return "it says nothing".to_owned();
    }
    // SAFETY: the caller's promise.
    unsafe { CStr::from_ptr(message) }.to_string_lossy().into_owned()
}
