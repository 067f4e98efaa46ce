//! Append, read, delete: the calls, with what befalls them.

use crate::fault::{Call, Fault};
use crate::log::{Expected, Page, Proposal, Stored, Written};
use crate::services::{Answers, Asked};
use crate::shared::not_ready;
use crate::wire::{self, append, content, read};
use bytes::Bytes;
use futures::StreamExt;
use futures::stream;
use std::collections::HashMap;
use std::time::{SystemTime, UNIX_EPOCH};
use tonic::{Code, Status, Streaming};

/// Carries out what a fault does before the call, if it ends it.
pub(crate) async fn strike(asked: &Asked, fault: Fault) -> Result<(), Status> {
    match fault {
        Fault::NotReady => Err(not_ready()),
        Fault::HandlerFails => Err(Status::unknown("Exception was thrown by handler.")),
        Fault::Deadline { stored: false } => Err(Status::deadline_exceeded("Timeout")),
        Fault::NotLeader(leader) => Err(asked.shared.not_leader(leader)),
        Fault::TooLarge => Err(Status::new(Code::InvalidArgument, "Maximum Append Size of 1024 Exceeded.")),
        Fault::MessageTooLarge => {
            Err(Status::resource_exhausted("Received message exceeds the maximum configured message size."))
        }
        Fault::TooManyResets => Err(Status::resource_exhausted("h2 protocol error: http2 error")),
        Fault::AccessDenied => Err(Status::permission_denied("Access Denied")),
        Fault::Reset => {
            asked.cut.cut();
            std::future::pending().await
        }
        _ => Ok(()),
    }
}

/// Carries out what a fault does after the commit.
async fn strike_afterwards(asked: &Asked, fault: Fault) -> Result<(), Status> {
    match fault {
        Fault::CommitPhaseTimeout => Err(Status::aborted("Operation timed out: Commit phase timeout.")),
        Fault::Deadline { stored: true } => Err(Status::deadline_exceeded("Timeout")),
        Fault::LoseAnswer => {
            asked.cut.cut();
            std::future::pending().await
        }
        Fault::Slow(time) => {
            tokio::time::sleep(time).await;
            Ok(())
        }
        Fault::Hang => std::future::pending().await,
        _ => Ok(()),
    }
}

fn text(name: Option<wire::StreamIdentifier>) -> String {
    name.map_or_else(String::new, |name| String::from_utf8_lossy(&name.stream_name).into_owned())
}

fn expectation(expected: Option<append::Expected>) -> Result<Expected, Status> {
    Ok(match expected {
        Some(append::Expected::Revision(revision)) => Expected::Revision(revision),
        Some(append::Expected::NoStream(_)) => Expected::NoStream,
        Some(append::Expected::Any(_)) => Expected::Any,
        Some(append::Expected::StreamExists(_)) => Expected::StreamExists,
        None => return Err(Status::invalid_argument("no expectation")),
    })
}

pub(crate) async fn append(
    asked: Asked,
    mut request: Streaming<wire::AppendRequest>,
) -> Result<wire::AppendResponse, Status> {
    let first = request.message().await?.and_then(|message| message.content);
    let Some(append::Content::Options(options)) = first else {
        return Err(Status::invalid_argument("options come first"));
    };
    let mut events = Vec::new();
    while let Some(message) = request.message().await? {
        let Some(append::Content::Proposed(event)) = message.content else {
            return Err(Status::invalid_argument("events come after the options"));
        };
        let of = |key: &str| event.metadata.get(key).cloned().unwrap_or_default();
        events.push(Proposal {
            id: event.id.as_ref().map(wire::Uuid::id).unwrap_or_default(),
            event_type: of("type"),
            is_json: of("content-type") == "application/json",
            metadata: event.custom_metadata,
            data: event.data,
        });
    }
    let fault = asked.shared.count(Call::Append);
    if let Some(fault) = fault {
        strike(&asked, fault).await?;
    }
    asked.shared.may_serve(asked.node, asked.needs_leader)?;
    let (name, wanted) = (text(options.stream), options.expected);
    let written = asked.shared.log().append(&name, expectation(wanted)?, &events, ticks())?;
    asked.shared.tell_subscribers();
    if let Some(fault) = fault {
        strike_afterwards(&asked, fault).await?;
    }
    let empty = wire::Empty {};
    let result = match written {
        Written::Done { revision, position } => append::Result::Success(append::Success {
            revision: Some(revision.map_or(append::Revision::NoStream(empty), append::Revision::At)),
            place: Some(position.map_or(append::Place::None(empty), |position| {
                append::Place::At(wire::Position { commit: position, prepare: position })
            })),
        }),
        Written::WrongVersion { current } => append::Result::WrongVersion(append::WrongVersion {
            current: Some(current.map_or(append::Current::NoStream(empty), append::Current::Revision)),
            wanted: wanted.map(|wanted| match wanted {
                append::Expected::Revision(revision) => append::Wanted::Revision(revision),
                append::Expected::NoStream(_) => append::Wanted::NoStream(empty),
                append::Expected::Any(_) => append::Wanted::Any(empty),
                append::Expected::StreamExists(_) => append::Wanted::StreamExists(empty),
            }),
        }),
    };
    Ok(wire::AppendResponse { result: Some(result) })
}

pub(crate) async fn delete(
    asked: Asked,
    request: wire::DeleteRequest,
    for_ever: bool,
) -> Result<wire::DeleteResponse, Status> {
    let fault = asked.shared.count(Call::Delete);
    if let Some(fault) = fault {
        strike(&asked, fault).await?;
    }
    asked.shared.may_serve(asked.node, asked.needs_leader)?;
    let target = request.options.unwrap_or_default();
    let expected = expectation(target.expected)?;
    let position = asked.shared.log().delete(&text(target.stream), expected, for_ever)?;
    asked.shared.tell_subscribers();
    Ok(wire::DeleteResponse { position: Some(wire::Position { commit: position, prepare: position }) })
}

pub(crate) async fn read(asked: Asked, request: wire::ReadRequest) -> Result<Answers<wire::ReadResponse>, Status> {
    let options = request.options.unwrap_or_default();
    let (back, compatible) = (options.direction == 1, options.control.is_some_and(|control| control.compatibility > 0));
    match (options.source, options.amount) {
        (Some(read::Source::Stream(stream)), Some(read::Amount::Count(count))) => {
            let fault = struck(&asked, Call::ReadStream).await?;
            let from = match stream.revision {
                Some(read::Revision::At(revision)) => Some(revision),
                Some(read::Revision::End(_)) => None,
                _ => Some(0),
            };
            let name = text(stream.identifier.clone());
            let page = asked.shared.log().read_stream(&name, from, back, count)?;
            let mut messages = Vec::new();
            match page {
                Page::NotFound => {
                    messages.push(content::Content::StreamNotFound(content::NotFound { stream: stream.identifier }));
                }
                Page::Events { first, events, head } => {
                    messages.extend(first.filter(|_| compatible).map(content::Content::FirstStreamPosition));
                    messages.extend(events.into_iter().map(|event| shown(event, fault)));
                    messages.extend(compatible.then_some(content::Content::LastStreamPosition(head)));
                }
            }
            after(&asked, fault).await?;
            Ok(answers(asked, messages, fault))
        }
        (Some(read::Source::All(all)), Some(read::Amount::Count(count))) => {
            let fault = struck(&asked, Call::ReadAll).await?;
            if count == 0 {
                // So does the server: it never answers.
                return std::future::pending().await;
            }
            let events = asked.shared.log().read_all(place(all), back, count)?;
            after(&asked, fault).await?;
            Ok(answers(asked, events.into_iter().map(|event| shown(event, fault)).collect(), fault))
        }
        (Some(read::Source::All(all)), Some(read::Amount::Subscription(_))) => {
            let fault = struck(&asked, Call::Subscribe).await?;
            subscription(asked, all, fault)
        }
        _ => Err(Status::unimplemented("this double reads streams and everything, and subscribes to everything")),
    }
}

async fn struck(asked: &Asked, call: Call) -> Result<Option<Fault>, Status> {
    let fault = asked.shared.count(call);
    if let Some(fault) = fault {
        strike(asked, fault).await?;
    }
    asked.shared.may_serve(asked.node, asked.needs_leader)?;
    Ok(fault)
}

async fn after(asked: &Asked, fault: Option<Fault>) -> Result<(), Status> {
    match fault {
        // Nothing is stored by a read: the answer is lost with the connection all the same.
        Some(fault) => strike_afterwards(asked, fault).await,
        None => Ok(()),
    }
}

fn place(all: read::All) -> Option<(u64, u64)> {
    match all.place {
        Some(read::Place::At(position)) => Some((position.commit, position.prepare)),
        Some(read::Place::End(_)) => None,
        _ => Some((0, 0)),
    }
}

/// The messages of an answer, broken off or doubled as the fault says.
fn answers(asked: Asked, messages: Vec<content::Content>, fault: Option<Fault>) -> Answers<wire::ReadResponse> {
    let message = |content| Ok(wire::ReadResponse { content: Some(content) });
    match fault {
        Some(Fault::EndAfter(count)) => stream::iter(messages.into_iter().take(count).map(message)).boxed(),
        Some(Fault::BreakAfter(count)) => {
            let broken = stream::once(async move {
                // What was sent is on its way before the connection breaks.
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                asked.cut.cut();
                std::future::pending().await
            });
            stream::iter(messages.into_iter().take(count).map(message)).chain(broken).boxed()
        }
        Some(Fault::Twice(which)) => {
            let mut messages = messages;
            if let Some(twice) = messages.get(which).cloned() {
                messages.insert(which, twice);
            }
            stream::iter(messages.into_iter().map(message)).boxed()
        }
        _ => stream::iter(messages.into_iter().map(message)).boxed(),
    }
}

/// Confirmation, history after the place, then what happens.
fn subscription(asked: Asked, all: read::All, fault: Option<Fault>) -> Result<Answers<wire::ReadResponse>, Status> {
    let changes = asked.shared.changes();
    let (events, last) = {
        let log = asked.shared.log();
        let end = log.all().last().map_or(0, |event| event.position);
        let from = place(all);
        let events = match from {
            // Exclusive, where a read is inclusive.
            Some((commit, _)) if commit > 0 => {
                let events = log.read_all(from, false, u64::MAX)?;
                events.into_iter().filter(|event| event.position > commit).collect()
            }
            Some(_) => log.all().to_vec(),
            None => Vec::new(),
        };
        (events, end)
    };
    let confirmed = content::Content::Confirmation(content::Confirmation { subscription: "double".to_owned() });
    let caught_up = asked.shared.profile.caught_up.then_some(content::Content::CaughtUp(wire::Empty {}));
    let history = events.into_iter().map(move |event| shown(event, fault));
    let history = stream::iter(std::iter::once(confirmed).chain(history).chain(caught_up));
    let shared = asked.shared.clone();
    let live = stream::unfold((changes, last), move |(mut changes, last)| {
        let shared = shared.clone();
        async move {
            loop {
                let news: Vec<Stored> = {
                    let log = shared.log();
                    let all = log.all();
                    let start = all.partition_point(|event| event.position <= last);
                    all.get(start..).map(<[Stored]>::to_vec).unwrap_or_default()
                };
                if let Some(newest) = news.last().map(|event| event.position) {
                    return Some((stream::iter(news), (changes, newest)));
                }
                changes.changed().await.ok()?;
            }
        }
    });
    let live = live.flatten().map(move |event| shown(event, fault));
    let messages = history.chain(live).map(|content| Ok(wire::ReadResponse { content: Some(content) }));
    let too_slow = "Operation timed out: Consumer too slow to handle event while live. Client resubscription required.";
    Ok(match fault {
        Some(Fault::EndAfter(count)) => messages.take(count).boxed(),
        Some(Fault::ConsumerTooSlow(count)) => {
            messages.take(count).chain(stream::once(async move { Err(Status::aborted(too_slow)) })).boxed()
        }
        Some(Fault::BreakAfter(count)) => {
            let broken = stream::once(async move {
                asked.cut.cut();
                std::future::pending().await
            });
            messages.take(count).chain(broken).boxed()
        }
        // Confirmed, and silent for ever.
        Some(Fault::Hang) => messages.take(1).chain(stream::pending()).boxed(),
        _ => messages.boxed(),
    })
}

fn shown(event: Stored, fault: Option<Fault>) -> content::Content {
    let content_type = match fault {
        Some(Fault::StrangeContentType) => "application/x-unheard-of",
        _ => event.content_type,
    };
    let metadata = HashMap::from([
        ("type".to_owned(), event.event_type),
        ("content-type".to_owned(), content_type.to_owned()),
        ("created".to_owned(), event.created.to_string()),
    ]);
    content::Content::Event(wire::ReadEvent {
        event: Some(wire::RecordedEvent {
            id: Some(event.id.into()),
            stream: Some(wire::StreamIdentifier { stream_name: Bytes::copy_from_slice(event.stream.as_bytes()) }),
            revision: event.revision,
            prepare: event.position,
            commit: event.position,
            metadata,
            custom_metadata: event.metadata,
            data: event.data,
        }),
        link: None,
        position: Some(content::Place::Commit(event.position)),
    })
}

/// Units of 100 ns since 1970.
#[allow(clippy::disallowed_methods, reason = "the server's own clock, which nobody of ours reads")]
fn ticks() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(now.as_nanos() / 100).unwrap_or(u64::MAX)
}
