use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::sleep,
};

/// A proxy in front of a server that causes faults. When it is dropped, it ends
/// with all connections.
pub struct Proxy {
    port: u16,
    mode: watch::Sender<Mode>,
    cuts: watch::Sender<u64>,
    counts: Arc<Counts>,
    _tasks: JoinSet<()>,
}

/// What the proxy does with requests and answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Pass,
    /// Requests arrive, and their answers are lost.
    DropReplies,
    /// Nothing arrives in either direction, and connections stay open.
    BlackHole,
    /// Answers come later.
    Delay(Duration),
    /// Requests arrive, and the connection ends instead of an answer.
    CutReplies,
    /// [`CutReplies`](Self::CutReplies) for the next answer only.
    CutReply,
}

#[derive(Default)]
struct Counts {
    connections: AtomicUsize,
    round_trips: AtomicUsize,
    replies_passed: AtomicUsize,
    replies_lost: AtomicUsize,
}

impl Proxy {
    /// A proxy in front of this port.
    pub async fn start(target: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let mode = watch::Sender::new(Mode::Pass);
        let (cuts, cut) = watch::channel(0);
        let counts = Arc::new(Counts::default());
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, target, mode.clone(), cut, counts.clone()));
        Self {
            port,
            mode,
            cuts,
            counts,
            _tasks: tasks,
        }
    }

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub fn set(&self, mode: Mode) {
        self.mode.send_replace(mode);
    }

    /// Ends all connections that are open.
    pub fn cut(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// How many connections there have been.
    pub fn connections(&self) -> usize {
        self.counts.connections.load(Ordering::SeqCst)
    }

    /// How many requests were sent after the answer to the one before.
    pub fn round_trips(&self) -> usize {
        self.counts.round_trips.load(Ordering::SeqCst)
    }

    /// How many answers have arrived.
    pub fn replies_passed(&self) -> usize {
        self.counts.replies_passed.load(Ordering::SeqCst)
    }

    /// How many answers were lost.
    pub fn replies_lost(&self) -> usize {
        self.counts.replies_lost.load(Ordering::SeqCst)
    }
}

async fn accept(
    listener: TcpListener,
    target: u16,
    mode: watch::Sender<Mode>,
    cut: watch::Receiver<u64>,
    counts: Arc<Counts>,
) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        counts.connections.fetch_add(1, Ordering::SeqCst);
        let (mode, mut cut, counts) = (mode.clone(), cut.clone(), counts.clone());
        cut.mark_unchanged();
        connections.spawn(async move {
            tokio::select! {
                () = forward(client, target, mode, counts) => {}
                _ = cut.changed() => {}
            }
        });
    }
}

async fn forward(
    mut client: TcpStream,
    target: u16,
    mode: watch::Sender<Mode>,
    counts: Arc<Counts>,
) {
    // Without a server, the connection ends, as it would without the proxy.
    let Ok(mut server) = TcpStream::connect(("127.0.0.1", target)).await else {
        return;
    };
    let (mut asked, mut answered) = ([0; 16 * 1024], [0; 16 * 1024]);
    let mut is_answered = true;
    loop {
        tokio::select! {
            read = client.read(&mut asked) => {
                let Ok(read @ 1..) = read else { return };
                if std::mem::take(&mut is_answered) {
                    counts.round_trips.fetch_add(1, Ordering::SeqCst);
                }
                let lost = *mode.borrow() == Mode::BlackHole;
                if !lost && server.write_all(&asked[..read]).await.is_err() {
                    return;
                }
            }
            read = server.read(&mut answered) => {
                let Ok(read @ 1..) = read else { return };
                is_answered = true;
                let now = *mode.borrow();
                match now {
                    Mode::Pass => {}
                    // Real latency, which clients measure by the real clock.
                    Mode::Delay(time) => sleep(time).await,
                    Mode::CutReply => {
                        counts.replies_lost.fetch_add(1, Ordering::SeqCst);
                        mode.send_replace(Mode::Pass);
                        return;
                    }
                    Mode::DropReplies | Mode::BlackHole | Mode::CutReplies => {
                        counts.replies_lost.fetch_add(1, Ordering::SeqCst);
                        if now == Mode::CutReplies {
                            return;
                        }
                        continue;
                    }
                }
                if client.write_all(&answered[..read]).await.is_err() {
                    return;
                }
                counts.replies_passed.fetch_add(1, Ordering::SeqCst);
            }
        }
    }
}
