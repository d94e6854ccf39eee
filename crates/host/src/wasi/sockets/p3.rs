//! `wasi:sockets@0.3`: the same; its streams may outlive their socket's handle, and count for as long.

use std::net::SocketAddr;
use std::sync::Arc;

use airssys_wasm_model::Protocol;
use tokio::sync::oneshot;
use wasmtime::AsContextMut;
use wasmtime::component::{Access, Accessor, FutureReader, Resource, StreamReader};
use wasmtime_wasi::p3::bindings::sockets::ip_name_lookup;
use wasmtime_wasi::p3::bindings::sockets::types::{
    self, Duration, ErrorCode, HostTcpSocketWithStore as RuntimeTcp,
    HostUdpSocketWithStore as RuntimeUdp, IpAddress, IpAddressFamily, IpSocketAddress, TcpSocket,
    UdpSocket,
};
use wasmtime_wasi::p3::sockets::{SocketError, SocketResult};
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsCtxView, WasiSocketsView};

use super::Sockets;
use super::checks::{Checks, USED_UP};
use super::context::{for_tcp, for_udp};
use super::delegate::delegate;
use super::held::{NOWHERE, NoSocket, Revoked, Socket, UsedUp};
use super::names::LookupError;
use crate::guest::Guest;
use crate::wasi::streams::{self, Cut};

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
        let mut ctx = for_tcp(&self.sockets.checks, &place);
        let mut view = WasiSocketsCtxView { ctx: &mut ctx, table: &mut self.table };
        let socket = types::HostTcpSocket::create(&mut view, family)?;
        self.sockets.keep(socket.rep(), place, Protocol::Tcp);
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
        let (number, to) = (this.rep(), SocketAddr::from(to));
        let hold = store.with(|mut store| store.get().sockets.checks.reaching(Protocol::Tcp, to));
        let runtime = runtime(store);
        tokio::select! {
            biased;
            connected = RuntimeTcp::connect(&runtime, this, to.into()) => connected?,
            () = Arc::clone(&hold).revoked() => {
                hold.check();
                return Err(ErrorCode::AccessDenied.into());
            }
        }
        store.with(|mut store| store.get().sockets.reaches(number, Protocol::Tcp, to));
        Ok(())
    }

    async fn listen(
        mut store: Access<'_, Guest, Self>,
        this: Resource<TcpSocket>,
    ) -> SocketResult<StreamReader<Resource<TcpSocket>>> {
        let (number, lent) = (this.rep(), Resource::new_borrow(this.rep()));
        let connections = RuntimeTcp::listen(runtime_now(&mut store), this).await?;
        let guest = store.get();
        let at = local_address(guest, lent);
        guest.sockets.listens(number, Protocol::Tcp, at);
        if let Some(Socket { hold, place }) = guest.sockets.socket(number) {
            let over = place.until_given_back();
            store.spawn(Cut { hold, over }).map_err(SocketError::trap)?;
        }
        Ok(connections)
    }

    fn send(
        mut store: Access<'_, Guest, Self>,
        this: Resource<TcpSocket>,
        data: StreamReader<u8>,
    ) -> wasmtime::Result<Finished> {
        let (number, mut data) = (this.rep(), data);
        let Some(Socket { place, hold }) = store.get().socket(number) else {
            return RuntimeTcp::send(runtime_now(&mut store), this, data);
        };
        if !hold.check() {
            data.close(&mut store)?;
            return denied(store);
        }
        let (allows, used_up) = counting(&store.get().sockets.checks);
        let data = streams::hold_counted(&mut store, data, &hold, allows)?;
        let finished = RuntimeTcp::send(runtime_now(&mut store), this, data)?;
        let cut = async move {
            tokio::select! {
                biased;
                Ok(()) = used_up => UsedUp.into(),
                () = hold.revoked() => ErrorCode::AccessDenied,
            }
        };
        streams::hold_end(&mut store, finished, cut, place)
    }

    fn receive(
        mut store: Access<'_, Guest, Self>,
        this: Resource<TcpSocket>,
    ) -> wasmtime::Result<(StreamReader<u8>, Finished)> {
        let Some(Socket { place, hold }) = store.get().socket(this.rep()) else {
            return RuntimeTcp::receive(runtime_now(&mut store), this);
        };
        if !hold.check() {
            let data = StreamReader::new(&mut store, std::iter::empty())?;
            return Ok((data, denied(store)?));
        }
        let (data, finished) = RuntimeTcp::receive(runtime_now(&mut store), this)?;
        let (closed, over) = oneshot::channel();
        store.spawn(Cut { hold: Arc::clone(&hold), over })?;
        let cut = streams::revoked(hold, ErrorCode::AccessDenied);
        Ok((data, streams::hold_end(&mut store, finished, cut, (place, closed))?))
    }
}

/// Counts what leaves by a stream, and tells when it was too much.
fn counting(
    checks: &Arc<Checks>,
) -> (impl FnMut(usize) -> bool + Send + use<>, oneshot::Receiver<()>) {
    let (tell, used_up) = oneshot::channel();
    let (checks, mut tell) = (Arc::clone(checks), Some(tell));
    let allows = move |bytes| {
        let moves = checks.moves(bytes);
        if !moves && let Some(tell) = tell.take() {
            let _unless_nobody_waits = tell.send(());
        }
        moves
    };
    (allows, used_up)
}

/// How a stream ends that is not begun.
fn denied(mut store: Access<'_, Guest, Sockets>) -> wasmtime::Result<Finished> {
    let denied = async { wasmtime::error::Ok(Err(ErrorCode::AccessDenied)) };
    FutureReader::new(&mut store, denied)
}

impl Guest {
    /// The socket behind a handle. A connection that was accepted is known from its first use on.
    fn socket(&mut self, number: u32) -> Option<Socket> {
        if let Some(socket) = self.sockets.socket(number) {
            return Some(socket);
        }
        let at = local_address(self, Resource::new_borrow(number));
        self.sockets.accepted(number, at)
    }
}

/// The address of a socket that has one; port 0 is none.
fn local_address(guest: &mut Guest, socket: Resource<TcpSocket>) -> SocketAddr {
    let address = types::HostTcpSocket::get_local_address(&mut guest.sockets(), socket);
    address.map_or(NOWHERE, SocketAddr::from)
}

impl types::HostUdpSocket for Guest {
    async fn create(&mut self, family: IpAddressFamily) -> SocketResult<Resource<UdpSocket>> {
        let place = self.sockets.open(Protocol::Udp)?;
        let mut ctx = for_udp(&self.sockets.checks, &place);
        let mut view = WasiSocketsCtxView { ctx: &mut ctx, table: &mut self.table };
        let socket = types::HostUdpSocket::create(&mut view, family).await?;
        self.sockets.keep(socket.rep(), place, Protocol::Udp);
        Ok(socket)
    }

    async fn bind(&mut self, this: Resource<UdpSocket>, to: IpSocketAddress) -> SocketResult<()> {
        let number = this.rep();
        types::HostUdpSocket::bind(&mut self.sockets(), this, to).await?;
        self.sockets.listens(number, Protocol::Udp, to.into());
        Ok(())
    }

    async fn connect(
        &mut self,
        this: Resource<UdpSocket>,
        to: IpSocketAddress,
    ) -> SocketResult<()> {
        let number = this.rep();
        types::HostUdpSocket::connect(&mut self.sockets(), this, to).await?;
        self.sockets.reaches(number, Protocol::Udp, to.into());
        Ok(())
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
        let socket = store.with(|mut store| {
            let sockets = &mut store.get().sockets;
            sockets.may(this.rep()).map_err(SocketError::from)?;
            sockets.moves(data.len()).map_err(ErrorCode::from)?;
            SocketResult::Ok(sockets.socket(this.rep()))
        })?;
        let sent = RuntimeUdp::send(&runtime(store), this, data, to).await;
        drop(socket);
        sent
    }

    async fn receive(
        store: &Store,
        this: Resource<UdpSocket>,
    ) -> SocketResult<(Vec<u8>, IpSocketAddress)> {
        let (socket, checks) = store.with(|mut store| {
            let sockets = &mut store.get().sockets;
            (sockets.socket(this.rep()), Arc::clone(&sockets.checks))
        });
        let Some(Socket { hold, place }) = socket else {
            return RuntimeUdp::receive(&runtime(store), this).await;
        };
        // Never closed.
        let _one_of_them = checks.receiving.acquire().await.map_err(|_| ErrorCode::InvalidState)?;
        let runtime = runtime(store);
        let received = tokio::select! {
            biased;
            () = Arc::clone(&hold).revoked() => None,
            received = RuntimeUdp::receive(&runtime, this) => Some(received),
        };
        drop(place);
        let Some(received) = received else {
            hold.check();
            return Err(ErrorCode::AccessDenied.into());
        };
        let (data, from) = received?;
        if !checks.moves(data.len()) {
            return Err(ErrorCode::from(UsedUp).into());
        }
        Ok((data, from))
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

impl From<Revoked> for SocketError {
    fn from(_: Revoked) -> Self {
        ErrorCode::AccessDenied.into()
    }
}

impl From<UsedUp> for ErrorCode {
    fn from(_: UsedUp) -> Self {
        Self::Other(Some(USED_UP.to_owned()))
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
