//! `export`: the log as NDJSON, one event a line: envelope, stored fields, raw bytes. What is sealed stays sealed.

use super::{Data, open, progress};
use booking_domain::ids::ClinicId;
use booking_events::{Metadata, describe};
use booking_store::Recorded;
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(super) struct ExportArguments {
    #[command(flatten)]
    data: Data,
    /// Only this clinic's events.
    #[arg(long)]
    clinic: Option<ClinicId>,
    /// The file to write; none: standard output.
    #[arg(long)]
    to: Option<PathBuf>,
}

pub(super) async fn run(arguments: ExportArguments) -> anyhow::Result<()> {
    let app = open(arguments.data.data).await?;
    let mut out: Box<dyn Write + Send> = match &arguments.to {
        Some(path) => Box::new(std::io::BufWriter::new(std::fs::File::create_new(path)?)),
        None => Box::new(std::io::BufWriter::new(std::io::stdout())),
    };
    let exported = progress::counter("events");
    let mut after = None;
    loop {
        let page = app.log().read_all(after, 1_000).await?;
        for event in &page.events {
            let metadata = Metadata::parse(&event.metadata)?;
            if arguments.clinic.is_none_or(|c| c == metadata.clinic) {
                serde_json::to_writer(&mut out, &line(event)?)?;
                out.write_all(b"\n")?;
            }
        }
        exported.inc(u64::try_from(page.events.len()).unwrap_or(0));
        after = page.next.or(after);
        if page.end {
            break;
        }
    }
    out.flush()?;
    exported.finish_and_clear();
    app.close().await;
    Ok(())
}

/// One event as it is exported.
fn line(event: &Recorded) -> anyhow::Result<Value> {
    let fields = describe(&event.event_type, &event.payload)?;
    Ok(json!({
        "position": event.position.0,
        "stream": event.stream.as_str(),
        "revision": event.revision,
        "id": event.id,
        "type": &*event.event_type,
        "metadata": serde_json::from_str::<Value>(&event.metadata)?,
        "fields": serde_json::from_str::<Value>(&fields)?,
        "payload": hex::encode(&event.payload),
    }))
}
