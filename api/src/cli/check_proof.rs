//! `check-proof`: whether one event is part of the signed history, from a proof that the server gave, without the server.

use super::{Exit, answer};
use anyhow::Context as _;
use booking_events::ledger::proof::verify_inclusion;
use booking_events::ledger::{Checkpoint, Hash, Verifier, leaf_hash};
use serde::Deserialize;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(super) struct CheckProofArguments {
    /// What `GET /api/v1/ledger/proof?event=…` answered.
    proof: PathBuf,
    /// The event's hash, from the receipt of the booking: that it is this event, and nothing in it was changed.
    #[arg(long, value_name = "HEX")]
    event_hash: Option<String>,
    /// The key that verifies checkpoints, from the clinic itself.
    #[arg(long)]
    key: String,
}

/// What is used of a proof; what it says besides is believed by nobody.
#[derive(Deserialize)]
struct Proof {
    leaf_index: u64,
    leaf_hash: String,
    tree_size: u64,
    path: Vec<String>,
    checkpoint: Option<String>,
}

fn hash(text: &str) -> anyhow::Result<Hash> {
    let mut hash = [0; 32];
    hex::decode_to_slice(text, &mut hash).with_context(|| format!("{text} is no hash"))?;
    Ok(hash)
}

/// What one step of the check found.
struct Step {
    what: &'static str,
    good: bool,
}

fn steps(arguments: &CheckProofArguments) -> anyhow::Result<Vec<Step>> {
    let text = std::fs::read_to_string(&arguments.proof);
    let text = text.with_context(|| format!("cannot read {}", arguments.proof.display()))?;
    let proof: Proof = serde_json::from_str(&text).context("this is no proof")?;
    let key = Verifier::parse(&arguments.key).ok().context("this is no key")?;
    let leaf = hash(&proof.leaf_hash)?;
    let path: Vec<Hash> = proof.path.iter().map(|text| hash(text)).collect::<anyhow::Result<_>>()?;
    let note = proof.checkpoint.as_deref().context("the proof has no checkpoint")?;
    let mut steps = Vec::new();
    if let Some(event) = &arguments.event_hash {
        let good = leaf_hash(proof.leaf_index, &hash(event)?) == leaf;
        steps.push(Step { what: "the leaf is that of this event", good });
    }
    let signed = Checkpoint::open(note, &key).ok();
    steps.push(Step { what: "the checkpoint is signed with this key", good: signed.is_some() });
    let size = signed.as_ref().is_some_and(|signed| signed.size == proof.tree_size);
    steps.push(Step { what: "it speaks of a tree of this size", good: size });
    let (index, tree) = (proof.leaf_index, proof.tree_size);
    let leads = signed.is_some_and(|signed| verify_inclusion(leaf, index, tree, &path, &signed.root));
    steps.push(Step { what: "the path leads from the leaf to the root that was signed", good: leads });
    Ok(steps)
}

/// Exit code 0: it holds; 1: it does not; 2: it cannot be read.
pub(super) fn run(arguments: &CheckProofArguments, json: bool) -> anyhow::Result<()> {
    let steps = match steps(arguments) {
        Ok(steps) => steps,
        Err(error) => {
            super::say(&format!("error: {error:#}"));
            return Err(Exit(2).into());
        }
    };
    let good = steps.iter().all(|step| step.good);
    if json {
        let steps: Vec<_> =
            steps.iter().map(|step| serde_json::json!({ "what": step.what, "good": step.good })).collect();
        answer(&serde_json::json!({ "good": good, "steps": steps }).to_string());
    } else {
        for step in &steps {
            answer(&format!("{}  {}", if step.good { "yes" } else { "NO " }, step.what));
        }
        if arguments.event_hash.is_none() {
            answer("Not checked: which event the leaf is of. Give --event-hash, from the receipt.");
        }
    }
    if good { Ok(()) } else { Err(Exit(1).into()) }
}
