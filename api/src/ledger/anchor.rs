//! Anchors: each new checkpoint also goes to a file or a command outside, where whoever rules this machine cannot take
//! it back. A checkpoint that somebody else keeps is what exposes a history that was rewritten as a whole.

use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::io::AsyncWriteExt as _;

/// How long a command may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Who is told of checkpoints.
#[derive(Clone, Debug, Default)]
pub struct Anchors {
    /// A file that each note is appended to: on another disk, a mounted share, a write-once medium.
    pub file: Option<PathBuf>,
    /// A command, run by the shell, that reads the note from its standard input.
    pub command: Option<String>,
    trouble: Arc<Mutex<Option<String>>>,
}

impl Anchors {
    /// To this file and this command.
    pub fn new(file: Option<PathBuf>, command: Option<String>) -> Self {
        Self { file, command, trouble: Arc::default() }
    }

    /// True if anybody is told.
    pub const fn any(&self) -> bool {
        self.file.is_some() || self.command.is_some()
    }

    /// What went wrong the last time; none: nothing.
    pub fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Hands a note to everybody. Whoever cannot be reached gets the next one; consistency is proved between any two.
    pub(super) async fn tell(&self, note: &str) {
        let mut trouble = None;
        if let Some(path) = &self.file
            && let Err(error) = super::shelf::append_note(path, note)
        {
            trouble = Some(format!("{}: {error}", path.display()));
        }
        if let Some(command) = &self.command
            && let Err(error) = run(command, note).await
        {
            trouble = Some(format!("the anchor command: {error}"));
        }
        if let Some(trouble) = &trouble {
            tracing::warn!(trouble, "a checkpoint was not anchored; the next one is tried again");
        }
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = trouble;
    }
}

async fn run(command: &str, note: &str) -> std::io::Result<()> {
    let mut child = tokio::process::Command::new("sh")
        .args(["-c", command])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .kill_on_drop(true)
        .spawn()?;
    let talk = async {
        if let Some(mut input) = child.stdin.take() {
            input.write_all(note.as_bytes()).await?;
            input.shutdown().await?;
        }
        child.wait().await
    };
    let status = tokio::time::timeout(PATIENCE, talk).await.map_err(|_| std::io::ErrorKind::TimedOut)??;
    if status.success() { Ok(()) } else { Err(std::io::Error::other(format!("it ended with {status}"))) }
}
