//! A node with its two doors open: what `airssys-wasm serve` runs.

use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use airssys_wasm_model::Digest;
use serde::Serialize;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::control::{Control, Token};
use crate::ingress::{BODY_BYTES_MAX, Ingress};
use crate::node::{Node, NodeError, NodeSettings};
use crate::tls::{CertificateAuthority, Encryption, Identity, TlsError, from_this_machine};

/// How a server is set up.
#[derive(Debug, Clone)]
pub struct ServerSettings {
    /// The node.
    pub node: NodeSettings,
    /// Where services answer. Port 0 picks a free one.
    pub http: SocketAddr,
    /// Where commands are taken.
    pub control: SocketAddr,
    /// How commands are encrypted. Only on a loopback address they may be sent as they are.
    pub encryption: Encryption,
    /// The largest body of a request to a service, in bytes.
    pub body_bytes_max: u64,
}

/// A running server.
pub struct Server {
    node: Arc<Node>,
    data: PathBuf,
    http: SocketAddr,
    control: SocketAddr,
    identity: Option<Arc<Identity>>,
    stop: watch::Sender<bool>,
    doors: [JoinHandle<()>; 2],
}

/// Why a server does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// An address that cannot be listened on.
    #[error("cannot listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The certificate of the control port.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The node.
    #[error(transparent)]
    Node(#[from] NodeError),
    /// A file in the data directory.
    #[error("cannot write {}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

const NODE_FILE: &str = "node.json";

/// What is to be `node.json`, or was.
const SPARE_FILE: &str = "node.json.tmp";

/// `node.json`: how a client finds the node of a data directory.
#[derive(Serialize)]
struct NodeFile {
    pid: u32,
    http: String,
    control: String,
    /// What the control port presents, where it is encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    certificate: Option<Digest>,
}

impl ServerSettings {
    /// The default addresses, over this data directory.
    pub fn new(data: impl Into<PathBuf>) -> Self {
        Self {
            node: NodeSettings::new(data),
            http: SocketAddr::from(([127, 0, 0, 1], 8080)),
            control: SocketAddr::from(([127, 0, 0, 1], 7070)),
            encryption: Encryption::default(),
            body_bytes_max: BODY_BYTES_MAX,
        }
    }
}

impl Server {
    /// Opens the node and both doors. When this returns, what ran before answers again, and `node.json`
    /// and `token` are in the data directory. A call that comes sooner waits for its service, which is brought
    /// up before the others for it.
    pub async fn start(settings: ServerSettings) -> Result<Self, ServerError> {
        let ServerSettings { node, http, control, encryption, body_bytes_max } = settings;
        // What can be wrong outside of the node is found before anything of it is touched.
        let given = encryption.given()?;
        let http = listen(http).await?;
        let control = listen(control).await?;
        let data = node.data.clone();
        let node = Node::begin(node).await?;
        let token = Token::of_dir(&data).map_err(|source| file_error(&data, "token", source))?;
        let (stop, stopping) = watch::channel(false);
        let addresses = (address(&http)?, address(&control)?);
        let identity = match given {
            None => encryption.own(&data, addresses.1)?,
            given => given,
        };
        let identity = identity.map(Arc::new);
        let ingress = Arc::new(Ingress { routes: Arc::clone(node.routes()), body_bytes_max });
        let door = Control::new(Arc::clone(&node), token, identity.clone());
        let doors = [
            tokio::spawn(ingress.serve(http, stopping.clone())),
            tokio::spawn(door.serve(control, stopping)),
        ];
        let (http, control) = addresses;
        let server = Self { node, data, http, control, identity, stop, doors };
        server.node.recover().await?;
        server.write_node_file()?;
        Ok(server)
    }

    /// The node.
    pub fn node(&self) -> &Arc<Node> {
        &self.node
    }

    /// Where services answer.
    pub fn http(&self) -> String {
        format!("http://{}", self.http)
    }

    /// Where commands are taken.
    pub fn control(&self) -> String {
        self.url(self.control)
    }

    /// The SHA-256 of the certificate that commands are encrypted by, if they are.
    pub fn certificate(&self) -> Option<Digest> {
        self.identity.as_ref().map(|identity| identity.fingerprint())
    }

    /// What clients elsewhere know the node by, where its certificate is its own.
    pub fn authority(&self) -> Option<&CertificateAuthority> {
        self.identity.as_ref().and_then(|identity| identity.authority())
    }

    /// Takes no more calls, lets those under way end and stops the node. Its records stand as they are.
    pub async fn stop(self) {
        // Its room is kept for the next node: a disk that is full by then must not keep that one from starting.
        if let Err(error) = fs::rename(self.data.join(NODE_FILE), self.data.join(SPARE_FILE)) {
            tracing::debug!("{NODE_FILE} was not put away: {error}");
        }
        // First, or the control door would wait for commands that wait for the stop.
        self.node.announce_stop();
        // The doors hold the other ends until they have closed.
        let _ = self.stop.send(true);
        for door in self.doors {
            if let Err(error) = door.await {
                tracing::error!("a door broke: {error}");
            }
        }
        self.node.close().await;
    }

    fn url(&self, control: SocketAddr) -> String {
        let scheme = if self.identity.is_some() { "https" } else { "http" };
        format!("{scheme}://{control}")
    }

    /// Written beside and renamed: a client reads all of it or nothing. What a node before this one left is written over,
    /// which takes no room.
    fn write_node_file(&self) -> Result<(), ServerError> {
        let file = NodeFile {
            pid: std::process::id(),
            http: self.http(),
            control: self.url(from_this_machine(self.control)),
            certificate: self.certificate(),
        };
        let text = serde_json::to_string(&file).expect("four plain fields");
        let (file, spare) = (self.data.join(NODE_FILE), self.data.join(SPARE_FILE));
        // Of a node that was killed. Where there is none, there may be a spare one.
        let _ = fs::rename(&file, &spare);
        write_over(&spare, text.as_bytes())
            .and_then(|()| fs::rename(&spare, &file))
            .map_err(|source| file_error(&self.data, NODE_FILE, source))
    }
}

/// Writes a file in its place, where it is there.
fn write_over(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    file.write_all(bytes)?;
    file.set_len(bytes.len() as u64)
}

async fn listen(address: SocketAddr) -> Result<TcpListener, ServerError> {
    TcpListener::bind(address).await.map_err(|source| ServerError::Listen { address, source })
}

fn address(listener: &TcpListener) -> Result<SocketAddr, ServerError> {
    let unknown = SocketAddr::from(([0, 0, 0, 0], 0));
    listener.local_addr().map_err(|source| ServerError::Listen { address: unknown, source })
}

fn file_error(dir: &Path, name: &str, source: io::Error) -> ServerError {
    ServerError::File { path: dir.join(name), source }
}
