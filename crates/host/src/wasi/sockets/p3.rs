//! `wasi:sockets@0.3`: the same; its streams may outlive their socket's handle, and count for as long.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use airssys_wasm_model::Protocol;
use tokio::sync::oneshot;
use wasmtime::component::{
    Access, Accessor, FutureConsumer, FutureReader, Resource, Source, StreamReader,
};
use wasmtime::{AsContextMut, StoreContextMut};
use wasmtime_wasi::p3::bindings::sockets::ip_name_lookup;
use wasmtime_wasi::p3::bindings::sockets::types::{
    self, Duration, ErrorCode, HostTcpSocketWithStore as RuntimeTcp,
    HostUdpSocketWithStore as RuntimeUdp, IpAddress, IpAddressFamily, IpSocketAddress, TcpSocket,
    UdpSocket,
};
use wasmtime_wasi::p3::sockets::{SocketError, SocketResult};
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsCtxView, WasiSocketsView};

use super::Sockets;
use super::checks::Place;
use super::delegate::delegate;
use super::held::NoSocket;
use super::names::LookupError;
use crate::guest::Guest;

type Store = Accessor<Guest, Sockets>;
type Finished = FutureReader<Result<(), ErrorCode>>;

/// The store as the runtime's own implementation takes it.
fn runtime(store: &Store) -> Accessor<Guest, WasiSockets> {
    store.with_getter::<WasiSockets>(|guest| guest.sockets())
}

fn runtime_now<'a>(store: &'a mut Access<'_, Guest, Sockets>) -> Access<'a, Guest, WasiSockets> {
    Access::<Guest, WasiSockets>::new(store.as_context_mut(), |guest| guest.sockets())
}

impl types::Host for Guest {
    fn convert_error_code(&mut self, error: SocketError) -> wasmtime::Result<ErrorCode> {
        types::Host::convert_error_code(&mut self.sockets(), error)
    }
}

impl types::HostTcpSocket for Guest {
    fn create(&mut self, family: IpAddressFamily) -> SocketResult<Resource<TcpSocket>> {
        let place = self.sockets.open(Protocol::Tcp)?;
        let socket = types::HostTcpSocket::create(&mut self.sockets(), family)?;
        self.sockets.keep(socket.rep(), place);
        Ok(socket)
    }

    async fn bind(&mut self, this: Resource<TcpSocket>, to: IpSocketAddress) -> SocketResult<()> {
        types::HostTcpSocket::bind(&mut self.sockets(), this, to).await
    }

    fn drop(&mut self, this: Resource<TcpSocket>) -> wasmtime::Result<()> {
        let number = this.rep();
        types::HostTcpSocket::drop(&mut self.sockets(), this)?;
        self.sockets.forget(number);
        Ok(())
    }

    delegate! { types::HostTcpSocket:
        fn get_local_address(this: TcpSocket) -> SocketResult<IpSocketAddress>;
        fn get_remote_address(this: TcpSocket) -> SocketResult<IpSocketAddress>;
        fn get_is_listening(this: TcpSocket) -> wasmtime::Result<bool>;
        fn get_address_family(this: TcpSocket) -> wasmtime::Result<IpAddressFamily>;
        fn set_listen_backlog_size(this: TcpSocket, value: u64) -> SocketResult<()>;
        fn get_keep_alive_enabled(this: TcpSocket) -> SocketResult<bool>;
        fn set_keep_alive_enabled(this: TcpSocket, value: bool) -> SocketResult<()>;
        fn get_keep_alive_idle_time(this: TcpSocket) -> SocketResult<Duration>;
        fn set_keep_alive_idle_time(this: TcpSocket, value: Duration) -> SocketResult<()>;
        fn get_keep_alive_interval(this: TcpSocket) -> SocketResult<Duration>;
        fn set_keep_alive_interval(this: TcpSocket, value: Duration) -> SocketResult<()>;
        fn get_keep_alive_count(this: TcpSocket) -> SocketResult<u32>;
        fn set_keep_alive_count(this: TcpSocket, value: u32) -> SocketResult<()>;
        fn get_hop_limit(this: TcpSocket) -> SocketResult<u8>;
        fn set_hop_limit(this: TcpSocket, value: u8) -> SocketResult<()>;
        fn get_receive_buffer_size(this: TcpSocket) -> SocketResult<u64>;
        fn set_receive_buffer_size(this: TcpSocket, value: u64) -> SocketResult<()>;
        fn get_send_buffer_size(this: TcpSocket) -> SocketResult<u64>;
        fn set_send_buffer_size(this: TcpSocket, value: u64) -> SocketResult<()>;
    }
}

impl types::HostTcpSocketWithStore<Guest> for Sockets {
    async fn connect(
        store: &Store,
        this: Resource<TcpSocket>,
        to: IpSocketAddress,
    ) -> SocketResult<()> {
        RuntimeTcp::connect(&runtime(store), this, to).await
    }

    async fn listen(
        mut store: Access<'_, Guest, Self>,
        this: Resource<TcpSocket>,
    ) -> SocketResult<StreamReader<Resource<TcpSocket>>> {
        RuntimeTcp::listen(runtime_now(&mut store), this).await
    }

    fn send(
        mut store: Access<'_, Guest, Self>,
        this: Resource<TcpSocket>,
        data: StreamReader<u8>,
    ) -> wasmtime::Result<Finished> {
        let place = store.get().sockets.place(this.rep());
        let finished = RuntimeTcp::send(runtime_now(&mut store), this, data)?;
        until(store, finished, place)
    }

    fn receive(
        mut store: Access<'_, Guest, Self>,
        this: Resource<TcpSocket>,
    ) -> wasmtime::Result<(StreamReader<u8>, Finished)> {
        let place = store.get().sockets.place(this.rep());
        let (data, finished) = RuntimeTcp::receive(runtime_now(&mut store), this)?;
        Ok((data, until(store, finished, place)?))
    }
}

/// Keeps the place of a socket until a stream of it has ended.
fn until(
    mut store: Access<'_, Guest, Sockets>,
    finished: Finished,
    place: Option<Arc<Place>>,
) -> wasmtime::Result<Finished> {
    let (done, told) = oneshot::channel();
    finished.pipe(&mut store, Ending { held: Some((place, done)) })?;
    FutureReader::new(&mut store, told)
}

/// The end of a stream, on its way to the guest.
struct Ending {
    held: Option<(Option<Arc<Place>>, Done)>,
}

/// Tells the guest how a stream of it ended.
type Done = oneshot::Sender<Result<(), ErrorCode>>;

impl FutureConsumer<Guest> for Ending {
    type Item = Result<(), ErrorCode>;

    fn poll_consume(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        store: StoreContextMut<'_, Guest>,
        mut source: Source<'_, Self::Item>,
        _finish: bool,
    ) -> Poll<wasmtime::Result<()>> {
        let mut ended = None;
        source.read(store, &mut ended)?;
        if let (Some((place, done)), Some(ended)) = (self.held.take(), ended) {
            drop(place);
            let _unless_dropped = done.send(ended);
        }
        Poll::Ready(Ok(()))
    }
}

impl types::HostUdpSocket for Guest {
    async fn create(&mut self, family: IpAddressFamily) -> SocketResult<Resource<UdpSocket>> {
        let place = self.sockets.open(Protocol::Udp)?;
        let socket = types::HostUdpSocket::create(&mut self.sockets(), family).await?;
        self.sockets.keep(socket.rep(), place);
        Ok(socket)
    }

    async fn bind(&mut self, this: Resource<UdpSocket>, to: IpSocketAddress) -> SocketResult<()> {
        types::HostUdpSocket::bind(&mut self.sockets(), this, to).await
    }

    async fn connect(
        &mut self,
        this: Resource<UdpSocket>,
        to: IpSocketAddress,
    ) -> SocketResult<()> {
        types::HostUdpSocket::connect(&mut self.sockets(), this, to).await
    }

    fn drop(&mut self, this: Resource<UdpSocket>) -> wasmtime::Result<()> {
        let number = this.rep();
        types::HostUdpSocket::drop(&mut self.sockets(), this)?;
        self.sockets.forget(number);
        Ok(())
    }

    delegate! { types::HostUdpSocket:
        fn disconnect(this: UdpSocket) -> SocketResult<()>;
        fn get_local_address(this: UdpSocket) -> SocketResult<IpSocketAddress>;
        fn get_remote_address(this: UdpSocket) -> SocketResult<IpSocketAddress>;
        fn get_address_family(this: UdpSocket) -> wasmtime::Result<IpAddressFamily>;
        fn get_unicast_hop_limit(this: UdpSocket) -> SocketResult<u8>;
        fn set_unicast_hop_limit(this: UdpSocket, value: u8) -> SocketResult<()>;
        fn get_receive_buffer_size(this: UdpSocket) -> SocketResult<u64>;
        fn set_receive_buffer_size(this: UdpSocket, value: u64) -> SocketResult<()>;
        fn get_send_buffer_size(this: UdpSocket) -> SocketResult<u64>;
        fn set_send_buffer_size(this: UdpSocket, value: u64) -> SocketResult<()>;
    }
}

impl types::HostUdpSocketWithStore<Guest> for Sockets {
    async fn send(
        store: &Store,
        this: Resource<UdpSocket>,
        data: Vec<u8>,
        to: Option<IpSocketAddress>,
    ) -> SocketResult<()> {
        let place = store.with(|mut store| store.get().sockets.place(this.rep()));
        let sent = RuntimeUdp::send(&runtime(store), this, data, to).await;
        drop(place);
        sent
    }

    async fn receive(
        store: &Store,
        this: Resource<UdpSocket>,
    ) -> SocketResult<(Vec<u8>, IpSocketAddress)> {
        let (place, checks) = store.with(|mut store| {
            let sockets = &mut store.get().sockets;
            (sockets.place(this.rep()), Arc::clone(&sockets.checks))
        });
        // Never closed.
        let _one_of_them = checks.receiving.acquire().await.map_err(|_| ErrorCode::InvalidState)?;
        let received = RuntimeUdp::receive(&runtime(store), this).await;
        drop(place);
        received
    }
}

impl ip_name_lookup::Host for Guest {}

impl ip_name_lookup::HostWithStore<Guest> for Sockets {
    async fn resolve_addresses(
        store: &Store,
        name: String,
    ) -> wasmtime::Result<Result<Vec<IpAddress>, ip_name_lookup::ErrorCode>> {
        let looking = store.with(|mut store| store.get().sockets.checks.look_up(&name));
        let found = match looking {
            Ok(looking) => looking.await,
            Err(error) => Err(error),
        };
        let told = found.map(|addresses| addresses.into_iter().map(IpAddress::from).collect());
        Ok(told.map_err(ip_name_lookup::ErrorCode::from))
    }
}

impl From<NoSocket> for SocketError {
    fn from(why: NoSocket) -> Self {
        match why {
            NoSocket::Denied => ErrorCode::AccessDenied.into(),
            NoSocket::TooMany => {
                ErrorCode::Other(Some("the limit `sockets` is reached".to_owned())).into()
            }
        }
    }
}

impl From<LookupError> for ip_name_lookup::ErrorCode {
    fn from(error: LookupError) -> Self {
        match error {
            LookupError::Denied => Self::AccessDenied,
            LookupError::NoName => Self::InvalidArgument,
            LookupError::Unknown => Self::NameUnresolvable,
        }
    }
}
