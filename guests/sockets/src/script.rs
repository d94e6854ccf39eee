//! The scripts of the two guests that try sockets: a command a line, its words set apart by tabs, an answer a line.
//!
//! What is opened stays open until `drop`. What fails answers with WASI's own name for the error.

use std::net::{IpAddr, SocketAddr};

/// The error's name in WASI.
pub type Answer<T> = Result<T, String>;

/// A version of `wasi:sockets`.
pub trait Net {
    type Tcp;
    type Stream;
    type Listener;
    type Udp;

    async fn connect(&self, to: SocketAddr) -> Answer<Self::Tcp>;
    async fn exchange(&self, tcp: &Self::Tcp, text: &str) -> Answer<String>;
    /// What is left to read of a connection, without its handle where that can be let go of.
    fn stream(&self, tcp: Self::Tcp) -> Self::Stream;
    async fn listen(&self, at: SocketAddr) -> Answer<Self::Listener>;
    /// Lets go of the socket's handle, where its connections come without it.
    fn port(&self, listener: Self::Listener) -> Self::Listener;
    async fn accept(&self, listener: &mut Self::Listener) -> Answer<Self::Tcp>;
    async fn udp(&self, at: SocketAddr) -> Answer<Self::Udp>;
    async fn send(&self, udp: &Self::Udp, to: SocketAddr, text: &str) -> Answer<()>;
    async fn receive(&self, udp: &Self::Udp) -> Answer<String>;
    async fn resolve(&self, name: &str) -> Answer<Vec<IpAddr>>;
}

/// Runs a script.
pub async fn run<N: Net>(net: &N, script: &str) -> String {
    let mut open = Open { net, tcp: vec![], streams: vec![], listeners: vec![], udp: vec![] };
    let mut answers = Vec::new();
    for line in script.lines() {
        let words: Vec<&str> = line.split('\t').collect();
        let answer = open.line(&words).await;
        answers.push(answer.unwrap_or_else(|error| error));
    }
    answers.join("\n")
}

struct Open<'a, N: Net> {
    net: &'a N,
    tcp: Vec<N::Tcp>,
    streams: Vec<N::Stream>,
    listeners: Vec<N::Listener>,
    udp: Vec<N::Udp>,
}

impl<N: Net> Open<'_, N> {
    async fn line(&mut self, words: &[&str]) -> Answer<String> {
        let net = self.net;
        match *words {
            ["connect", to] => self.tcp.push(net.connect(address(to)?).await?),
            ["say", to, text] => {
                let tcp = net.connect(address(to)?).await?;
                return net.exchange(&tcp, text).await;
            }
            ["exchange", text] => {
                let tcp = self.tcp.last().ok_or("nothing is connected")?;
                return net.exchange(tcp, text).await;
            }
            ["stream", to] => self.streams.push(net.stream(net.connect(address(to)?).await?)),
            ["listen", at] => self.listeners.push(net.listen(address(at)?).await?),
            ["port", at] => self.listeners.push(net.port(net.listen(address(at)?).await?)),
            ["accept"] => {
                let listener = self.listeners.last_mut().ok_or("nothing listens")?;
                self.tcp.push(net.accept(listener).await?);
            }
            ["udp", at] => self.udp.push(net.udp(address(at)?).await?),
            ["send", to, text] => net.send(self.last_udp()?, address(to)?, text).await?,
            ["receive"] => return net.receive(self.last_udp()?).await,
            ["resolve", name] => {
                let found = net.resolve(name).await?;
                return Ok(found.iter().map(IpAddr::to_string).collect::<Vec<_>>().join(","));
            }
            ["drop"] => {
                self.tcp.clear();
                self.streams.clear();
                self.listeners.clear();
                self.udp.clear();
            }
            _ => return Err(format!("no such command: {words:?}")),
        }
        Ok("ok".into())
    }

    fn last_udp(&self) -> Answer<&N::Udp> {
        self.udp.last().ok_or_else(|| "no UDP socket is open".into())
    }
}

fn address(text: &str) -> Answer<SocketAddr> {
    text.parse().map_err(|error| format!("{text}: {error}"))
}
