//! Methods of a socket that nothing has to be checked for.

/// Writes methods of a host trait for [`Guest`](crate::guest::Guest) that call the runtime's own.
macro_rules! delegate {
    ($host:path: $(fn $name:ident($this:ident: $socket:ty $(, $arg:ident: $kind:ty)*) -> $result:ty;)*) => {
        $(fn $name(&mut self, $this: Resource<$socket> $(, $arg: $kind)*) -> $result {
            <WasiSocketsCtxView<'_> as $host>::$name(&mut self.sockets(), $this $(, $arg)*)
        })*
    };
}

pub(super) use delegate;
