use std::{
    fmt, io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

use http::Extensions;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::client::legacy::{
    self,
    connect::{Connected, Connection},
};

/// A connection that notes whether it has served a request.
///
/// Its flag travels with hyper-util's connection info: onto each response, and
/// into each error.
pub(super) struct Noted<T> {
    io: T,
    served: Served,
}

/// Whether a connection has served a request.
///
/// hyper-util knows whether a connection is from its pool, but its errors do
/// not tell.
#[derive(Clone, Debug, Default)]
pub(super) struct Served(Arc<AtomicBool>);

impl<T> Noted<T> {
    pub(super) fn new(io: T) -> Self {
        Self {
            io,
            served: Served::default(),
        }
    }
}

impl Served {
    /// Removes the connection's note from a response, and marks the connection
    /// as used.
    pub(super) fn note(extensions: &mut Extensions) {
        if let Some(Self(served)) = extensions.remove() {
            // Relaxed suffices: the flag publishes no other data, and a stale
            // value only changes the name of an error.
            served.store(true, Ordering::Relaxed);
        }
    }

    /// Returns whether the connection of this error has served an earlier
    /// request.
    pub(super) fn is_noted(error: &legacy::Error) -> bool {
        let mut extensions = Extensions::new();
        // An error before a connection was chosen has no info.
        if let Some(info) = error.connect_info() {
            info.get_extras(&mut extensions);
        }
        let served = extensions.get::<Self>();
        served.is_some_and(|Self(served)| served.load(Ordering::Relaxed))
    }
}

impl<T: Connection> Connection for Noted<T> {
    fn connected(&self) -> Connected {
        self.io.connected().extra(self.served.clone())
    }
}

impl<T: Read + Unpin> Read for Noted<T> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl<T: Write + Unpin> Write for Noted<T> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(cx, bufs)
    }
}

impl<T> fmt::Debug for Noted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Noted")
            .field("served", &self.served)
            .finish_non_exhaustive()
    }
}
