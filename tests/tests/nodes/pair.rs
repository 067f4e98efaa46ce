//! Two node processes on one log and one vault, with a clinic that has enough to book.

use super::callers::Callers;
use super::process::{Process, options};
use booking_api::App;
use booking_engine::Place;
use booking_tests::actors::{draft, time};
use booking_tests::house::Clinic;
use booking_tests::http::app::data_directory;
use futures::StreamExt as _;
use std::sync::Arc;
use tempfile::TempDir;

/// Availabilities of an agenda's day, six in the morning until ten at night, fifteen minutes each.
const A_DAY: usize = 64;
/// Agendas.
const DESKS: usize = 4;

/// Where log and vault are, for each of the nodes.
#[derive(Clone)]
pub struct Places {
    /// The log's address, as each node reaches it.
    pub logs: [String; 2],
    /// The vault's.
    pub vault: String,
}

/// The nodes.
pub struct Pair {
    places: Places,
    dirs: [TempDir; 2],
    nodes: [Option<Process>; 2],
    /// Who books.
    pub callers: Arc<Callers>,
}

impl Pair {
    /// Sets a clinic up on the first node's directory, copies the keys into the second's, starts both.
    pub async fn start(places: Places, bookings: usize) -> Self {
        let dirs = [data_directory(), data_directory()];
        let app = App::open(options(dirs[0].path(), &places.logs[0], &places.vault)).await.unwrap();
        let clinic = Clinic::found(&app.engine).await;
        let mut agendas = Vec::new();
        for desk in 0..DESKS {
            agendas.push(clinic.hires(&format!("Dre Numero{desk}")).await);
        }
        let days = i32::try_from(bookings.div_ceil(A_DAY * DESKS)).unwrap();
        let slots = (2..2 + days).flat_map(|day| agendas.iter().map(move |agenda| (day, *agenda)));
        let clinic_ref = &clinic;
        let published = futures::stream::iter(slots).map(|(day, agenda)| async move {
            let hours = (time("06:00"), time("22:00"));
            clinic_ref.publishes(&draft(agenda, clinic_ref.in_days(day), hours.0, hours.1, clinic_ref.activity)).await
        });
        let bookable: Vec<Place> = published.buffered(16).collect::<Vec<_>>().await.concat();
        let (id, service, slug) = (clinic.id, clinic.service, clinic.slug.clone());
        app.close().await;
        drop((app, clinic));
        for key in ["root.key", "ledger.key"] {
            std::fs::copy(dirs[0].path().join(key), dirs[1].path().join(key)).unwrap();
        }
        let nodes = [0, 1].map(|n| Process::node(dirs[n].path(), &places.logs[n], &places.vault));
        let callers = Callers::new((id, service, &slug), bookable, [&nodes[0].address, &nodes[1].address]);
        Self { places, dirs, nodes: nodes.map(Some), callers }
    }

    /// A node's data directory.
    pub fn data(&self, node: usize) -> &std::path::Path {
        self.dirs[node].path()
    }

    /// SIGKILL.
    pub async fn kills(&mut self, node: usize) {
        self.callers.loses(node);
        let process = self.nodes[node].take().unwrap();
        tokio::task::spawn_blocking(move || process.kill()).await.unwrap();
    }

    /// Starts a node that was killed, on what it left.
    pub async fn starts(&mut self, node: usize) {
        let (data, places) = (self.dirs[node].path().to_owned(), self.places.clone());
        let start = move || Process::node(&data, &places.logs[node], &places.vault);
        let process = tokio::task::spawn_blocking(start).await.unwrap();
        self.callers.finds(node, &process.address);
        self.nodes[node] = Some(process);
    }

    /// How long the node took from its start until it listened.
    pub fn took(&self, node: usize) -> std::time::Duration {
        self.nodes[node].as_ref().map_or_else(Default::default, |process| process.took)
    }
}
