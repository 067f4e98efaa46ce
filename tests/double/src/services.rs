//! The gRPC services: from a request's bytes to a call, and from its answer to bytes. No code is generated: three
//! services with six methods are shorter by hand.

use crate::connection::Cut;
use crate::shared::Shared;
use crate::wire;
use crate::{cluster, streams};
use futures::stream::BoxStream;
use http_body_util::BodyExt as _;
use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tonic::body::BoxBody;
use tonic::codec::ProstCodec;
use tonic::server::{Grpc, NamedService};
use tonic::{Code, Request, Response, Status, Streaming};
use tower::service_fn;
use tower_service::Service;

/// A stream of answers.
pub(crate) type Answers<T> = BoxStream<'static, Result<T, Status>>;

/// Who asks whom: what a method needs beside its request.
#[derive(Clone)]
pub(crate) struct Asked {
    pub(crate) shared: Arc<Shared>,
    pub(crate) node: usize,
    pub(crate) cut: Cut,
    pub(crate) needs_leader: bool,
}

macro_rules! service {
    ($(#[$doc:meta])* $name:ident, $path:literal) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub(crate) struct $name {
            shared: Arc<Shared>,
            node: usize,
        }

        impl $name {
            pub(crate) fn new(shared: &Arc<Shared>, node: usize) -> Self {
                Self { shared: Arc::clone(shared), node }
            }
        }

        impl NamedService for $name {
            const NAME: &'static str = $path;
        }

        impl Service<http::Request<BoxBody>> for $name {
            type Response = http::Response<BoxBody>;
            type Error = Infallible;
            type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

            fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
                Poll::Ready(Ok(()))
            }

            fn call(&mut self, request: http::Request<BoxBody>) -> Self::Future {
                let asked = Asked {
                    shared: Arc::clone(&self.shared),
                    node: self.node,
                    cut: request.extensions().get::<Cut>().cloned().unwrap_or_default(),
                    needs_leader: request.headers().get("requires-leader").is_some_and(|value| value == "true"),
                };
                let request = request.map(whole);
                Box::pin(async move { Ok(Self::answer(asked, request).await) })
            }
        }
    };
}

service!(
    /// Appends, reads, deletes.
    Streams,
    "event_store.client.streams.Streams"
);
service!(
    /// Who is in the cluster.
    Gossip,
    "event_store.client.gossip.Gossip"
);
service!(
    /// What the server can do.
    Features,
    "event_store.client.server_features.ServerFeatures"
);

impl Streams {
    async fn answer(asked: Asked, request: http::Request<BoxBody>) -> http::Response<BoxBody> {
        match request.uri().path().rsplit('/').next().unwrap_or_default() {
            "Append" => {
                let method = service_fn(move |request: Request<Streaming<wire::AppendRequest>>| {
                    let asked = asked.clone();
                    async move { streams::append(asked, request.into_inner()).await.map(Response::new) }
                });
                grpc::<wire::AppendResponse, wire::AppendRequest>().client_streaming(method, request).await
            }
            "Read" => {
                let method = service_fn(move |request: Request<wire::ReadRequest>| {
                    let asked = asked.clone();
                    async move { streams::read(asked, request.into_inner()).await.map(Response::new) }
                });
                grpc::<wire::ReadResponse, wire::ReadRequest>().server_streaming(method, request).await
            }
            name @ ("Delete" | "Tombstone") => {
                let for_ever = name == "Tombstone";
                let method = service_fn(move |request: Request<wire::DeleteRequest>| {
                    let asked = asked.clone();
                    async move { streams::delete(asked, request.into_inner(), for_ever).await.map(Response::new) }
                });
                grpc::<wire::DeleteResponse, wire::DeleteRequest>().unary(method, request).await
            }
            _ => Status::unimplemented("this double knows no such method").into_http(),
        }
    }
}

impl Gossip {
    async fn answer(asked: Asked, request: http::Request<BoxBody>) -> http::Response<BoxBody> {
        let method = service_fn(move |_: Request<wire::Empty>| {
            let asked = asked.clone();
            async move { cluster::gossip(&asked).await.map(Response::new) }
        });
        grpc::<wire::ClusterInfo, wire::Empty>().unary(method, request).await
    }
}

impl Features {
    async fn answer(asked: Asked, request: http::Request<BoxBody>) -> http::Response<BoxBody> {
        let method = service_fn(move |_: Request<wire::Empty>| {
            let asked = asked.clone();
            async move { cluster::features(&asked).await.map(Response::new) }
        });
        grpc::<wire::SupportedMethods, wire::Empty>().unary(method, request).await
    }
}

/// A request that its client took back in the middle ends with an error, as on a real server. The library would take it for
/// one that ended there, and half of an append would be stored.
fn whole(body: BoxBody) -> BoxBody {
    body.map_err(|status| match status.code() {
        Code::Cancelled => Status::aborted("the client took its request back"),
        _ => status,
    })
    .boxed_unsync()
}

fn grpc<Answer, Question>() -> Grpc<ProstCodec<Answer, Question>>
where
    Answer: prost::Message + Default + Send + 'static,
    Question: prost::Message + Default + Send + 'static,
{
    // A real server takes messages up to 16 MiB and more; its limit on an append is looked at elsewhere.
    Grpc::new(ProstCodec::default()).max_decoding_message_size(17 << 20)
}
