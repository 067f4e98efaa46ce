//! How many connections there may be: what is open costs memory and a file descriptor before anything is asked on it.
//!
//! Beyond the last place but those in reserve, connections are taken that only staff and patients with the link of an
//! appointment are answered on; visitors are sent away, and the connection closes. Beyond those, new connections wait with
//! the system until one ends.

use super::shedding::Capacity;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places of connections.
pub struct Doors {
    places: Arc<Semaphore>,
    reserve: Arc<Semaphore>,
    all: usize,
}

/// A connection's place, until it is dropped.
pub(crate) struct Seat {
    _permit: OwnedSemaphorePermit,
    crowded: Crowded,
}

/// Whether a connection is one of those in reserve.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Crowded(pub(crate) bool);

impl Seat {
    pub(crate) const fn crowded(&self) -> Crowded {
        self.crowded
    }
}

impl Doors {
    /// So many.
    pub(crate) fn new(capacity: &Capacity) -> Self {
        let (places, reserve) = (capacity.connections, capacity.reserved_connections);
        let [all, more] = [places, reserve].map(|many| Arc::new(Semaphore::new(many)));
        Self { places: all, reserve: more, all: places.saturating_add(reserve) }
    }

    /// Connections that are open, or about to be.
    pub fn open(&self) -> usize {
        let free = self.places.available_permits().saturating_add(self.reserve.available_permits());
        self.all.saturating_sub(free)
    }

    /// The next connection, when there is a place for it. May be dropped: nobody is lost then.
    pub(crate) async fn next(
        &self,
        listener: &TcpListener,
    ) -> std::io::Result<(TcpStream, std::net::SocketAddr, Seat)> {
        let usual = || Arc::clone(&self.places).try_acquire_owned().ok();
        let mut seat = match usual() {
            Some(permit) => Seat { _permit: permit, crowded: Crowded(false) },
            None => self.waits().await?,
        };
        let (stream, peer) = listener.accept().await?;
        // A place may have become free while nobody came.
        if seat.crowded.0
            && let Some(permit) = usual()
        {
            seat = Seat { _permit: permit, crowded: Crowded(false) };
        }
        Ok((stream, peer, seat))
    }

    async fn waits(&self) -> std::io::Result<Seat> {
        let (permit, crowded) = tokio::select! {
            biased;
            permit = Arc::clone(&self.places).acquire_owned() => (permit, false),
            permit = Arc::clone(&self.reserve).acquire_owned() => (permit, true),
        };
        let permit = permit.map_err(std::io::Error::other)?;
        Ok(Seat { _permit: permit, crowded: Crowded(crowded) })
    }
}
