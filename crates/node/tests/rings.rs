//! Actors that call one another at the same moment: the call that would have them wait in a ring is refused at once, and
//! every other waits for its turn.

mod common;

use common::town::{ONE, Town};
use common::{until, within};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A host that guests ask, each while it holds its actor's turn, and that answers when it is told to.
struct Gate(TcpListener);

impl Gate {
    async fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    fn host(&self) -> String {
        self.0.local_addr().unwrap().to_string()
    }

    /// The next that asks: it has its turn, and waits.
    async fn next(&self) -> Waiting {
        let (mut stream, _) = within("a guest that asks", self.0.accept()).await.unwrap();
        assert_ne!(stream.read(&mut [0; 1 << 10]).await.unwrap(), 0);
        Waiting(stream)
    }
}

struct Waiting(TcpStream);

impl Waiting {
    async fn goes_on(mut self) {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
        self.0.write_all(answer).await.unwrap();
    }
}

/// No limit on time ends anything here.
const PATIENT: &str = "[limits]\ntime = \"1h\"\n";

/// Actors of these names, each of which may call the others and the gate.
async fn actors(gate: &Gate, names: &[&str]) -> Town {
    let town = Town::new().await;
    let mut grants: Vec<_> = names.iter().map(|name| format!("services:{name}")).collect();
    grants.push(format!("http:{}", gate.host()));
    let grants: Vec<&str> = grants.iter().map(String::as_str).collect();
    for name in names {
        town.deploy(name, "caller", &format!("{ONE}{PATIENT}"), &grants).await;
    }
    town
}

/// Until so many calls wait for their turn.
async fn queued(town: &Town, count: usize) {
    until("calls that wait for their turn", async || {
        let metrics = town.server.node().metrics();
        let lines = metrics.lines().filter(|line| line.starts_with("airssys_queued_calls{"));
        let queued = lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<f64>().ok());
        queued.sum::<f64>() == count as f64
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_actors_that_call_one_another_in_a_ring_at_the_same_moment_one_is_refused_at_once() {
    for names in [&["a", "b"][..], &["a", "b", "c"]] {
        let gate = Gate::new().await;
        let town = actors(&gate, names).await;
        let host = gate.host();
        // What is no command is refused by whoever gets it, in its turn.
        let say = async |at: usize| {
            let next = names[(at + 1) % names.len()];
            town.say(names[at], "", &format!("get http://{host}/ then call {next} x")).await
        };
        let calls = async { futures::future::join_all((0..names.len()).map(say)).await };
        let ring = async {
            let mut waiting = Vec::new();
            for _ in names {
                waiting.push(gate.next().await);
            }
            for one in waiting {
                one.goes_on().await;
            }
        };
        let (said, ()) = within("an answer to each", async { tokio::join!(calls, ring) }).await;
        let of = |words: &str| said.iter().filter(|said| said.contains(words)).count();
        assert_eq!(of("200 ok then LoopDetected"), 1, "{said:?}");
        assert_eq!(of("no such command"), names.len() - 1, "{said:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn actors_that_wait_for_one_another_in_a_line_are_all_served() {
    let gate = Gate::new().await;
    let town = actors(&gate, &["a", "b", "c"]).await;
    let ask = format!("get http://{}/", gate.host());
    let last = town.say("c", "", &ask);
    let rest = async {
        let held = gate.next().await;
        let (second, first) = (town.say("b", "", "call c x"), async {
            queued(&town, 1).await;
            town.say("a", "", "call b x").await
        });
        let ends = async {
            queued(&town, 2).await;
            held.goes_on().await;
        };
        tokio::join!(first, second, ends)
    };
    let (last, (first, second, ())) =
        within("an answer to each", async { tokio::join!(last, rest) }).await;
    assert_eq!(last, "200 ok");
    for said in [first, second] {
        assert!(said.contains("no such command"), "{said}");
    }
}
