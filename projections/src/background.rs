//! Threads of their own for what feeds the views, which give way to those that take bookings.
//!
//! A page of events is folded in one piece, which may take milliseconds. Among the tasks of requests it would keep a thread
//! for as long, and the system, which knows how to share a processor, could do nothing about it: so runners and rebuilds have
//! a runtime of their own. Threads that are started by its threads, such as the one that writes the views' file, inherit the
//! priority.

use std::io;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::JoinHandle;

/// How much the views give way, in steps of `nice`: under full load they have about a third of what a request's thread has.
#[cfg(target_os = "linux")]
const GIVES_WAY: i32 = 5;

/// The runtime of the views. Dropped, it ends without waiting for its tasks: whatever they were about is read from the log again.
#[derive(Debug)]
pub(crate) struct Background {
    tasks: Handle,
    runtime: Option<Runtime>,
}

impl Background {
    pub(crate) fn start() -> io::Result<Self> {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let mut builder = Builder::new_multi_thread();
        builder.worker_threads(threads).thread_name("views").enable_all().on_thread_start(give_way);
        let runtime = builder.build()?;
        Ok(Self { tasks: runtime.handle().clone(), runtime: Some(runtime) })
    }

    /// Runs a task on it.
    pub(crate) fn spawn<T: Send + 'static>(&self, task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T> {
        self.tasks.spawn(task)
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn give_way() {
    // Of this thread alone, which is what Linux takes a process to be here.
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::getpriority_process(None)
        .and_then(|now| rustix::process::setpriority_process(None, now + GIVES_WAY))
    {
        tracing::warn!(%error, "the views' threads have the priority of all others");
    }
}
