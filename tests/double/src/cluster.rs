//! Gossip and server features.

use crate::fault::{Call, Fault};
use crate::services::Asked;
use crate::shared::not_ready;
use crate::streams::strike;
use crate::wire;
use tonic::Status;
use uuid::Uuid;

const LEADER: i32 = 8;
const FOLLOWER: i32 = 6;

pub(crate) async fn gossip(asked: &Asked) -> Result<wire::ClusterInfo, Status> {
    if let Some(fault) = asked.shared.count(Call::Gossip) {
        return Err(refusal(asked, fault).await);
    }
    let leader = asked.shared.leader();
    let members = asked.shared.nodes.iter().enumerate().map(|(number, node)| wire::Member {
        instance: Some(Uuid::from_u64_pair(0x90de, number as u64).into()),
        time: 0,
        state: if leader == Some(number) { LEADER } else { FOLLOWER },
        is_alive: node.alive(),
        end_point: Some(wire::EndPoint {
            address: node.address.ip().to_string(),
            port: u32::from(node.address.port()),
        }),
    });
    Ok(wire::ClusterInfo { members: members.collect() })
}

pub(crate) async fn features(asked: &Asked) -> Result<wire::SupportedMethods, Status> {
    if let Some(fault) = asked.shared.count(Call::Features) {
        return Err(refusal(asked, fault).await);
    }
    let method = |name: &str| wire::SupportedMethod {
        method: name.to_owned(),
        service: "event_store.client.streams.streams".to_owned(),
        features: vec![],
    };
    // No batchappend: the client then appends with one call per append, which is what was measured.
    let methods = ["append", "read", "delete", "tombstone"].map(method).to_vec();
    Ok(wire::SupportedMethods { methods, server_version: "22.10.5".to_owned() })
}

/// These calls do nothing, so every fault is a refusal.
async fn refusal(asked: &Asked, fault: Fault) -> Status {
    match fault {
        Fault::Slow(time) => {
            tokio::time::sleep(time).await;
            not_ready()
        }
        fault => strike(asked, fault).await.err().unwrap_or_else(not_ready),
    }
}
