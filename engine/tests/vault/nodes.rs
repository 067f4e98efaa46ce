//! Several nodes on one server: what the one writer of a file guarantees holds between them too, and what one of them
//! ended is ended on all of them at once.

use super::*;
use booking_domain::ids::{AgendaId, AppointmentId, CommandId};
use booking_domain::time::WallDate;
use booking_engine::vault::{
    Intent, MessageChannel, MessageKind, NewBearer, Redeemed, Remembered, SentCode, SessionLookup, VisitLookup,
};
use booking_store::Position;
use futures::future::join_all;
use sqlx::{Connection as _, Row as _};
use std::future::Future;

/// Nodes with a data directory each, under the same root key.
struct Nodes {
    url: String,
    dirs: Vec<TempDir>,
    vaults: Vec<Arc<Vault>>,
}

impl Nodes {
    async fn new(count: u64) -> Self {
        let url = throwaway_postgres::database().await;
        let mut nodes = Self { url, dirs: Vec::new(), vaults: Vec::new() };
        for n in 0..count {
            let dir = tempfile::tempdir().unwrap();
            if let Some(first) = nodes.dirs.first() {
                fs::copy(first.path().join(ROOT_KEY_FILE), dir.path().join(ROOT_KEY_FILE)).unwrap();
            }
            let (vault, _) = open(dir.path(), Some(&nodes.url), 10 + n).await.unwrap();
            nodes.dirs.push(dir);
            nodes.vaults.push(Arc::new(vault));
        }
        nodes.vaults[0].create_clinic(CLINIC, NOW).await.unwrap();
        nodes
    }
    /// The same at once on every node, several times on each.
    async fn race<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
        &self,
        each: usize,
        what: impl Fn(Arc<Vault>) -> F,
    ) -> Vec<T> {
        let all = self.vaults.iter().flat_map(|vault| (0..each).map(move |_| vault));
        let racing: Vec<_> = all.map(|vault| tokio::spawn(what(Arc::clone(vault)))).collect();
        join_all(racing).await.into_iter().map(Result::unwrap).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_ended_is_ended_on_the_other_at_once() {
    let nodes = Nodes::new(2).await;
    let [a, b] = [&nodes.vaults[0], &nodes.vaults[1]];
    a.invite(member(1), &text("m1@example.org"), NOW, NOW).await.unwrap();
    let signed_in = a.open_session(member(1), NOW).await.unwrap();
    let signed_in_too = b.open_session(member(1), NOW).await.unwrap();
    let bearer = |n| NewBearer {
        id: id(n),
        clinic: CLINIC,
        member: member(1).member,
        role: 2,
        label: "kiosk".into(),
        created_at: NOW,
    };
    let [revoked, of_disabled] = [a.issue_bearer(bearer(1)).await.unwrap(), a.issue_bearer(bearer(2)).await.unwrap()];
    let opened = a.open_visit(visit(1)).await.unwrap();
    // Everything is known to both, and was asked for on both.
    for vault in [a, b] {
        assert!(matches!(vault.session(&signed_in, NOW).await.unwrap(), SessionLookup::Open(_)));
        assert!(matches!(vault.session(&signed_in_too, NOW).await.unwrap(), SessionLookup::Open(_)));
        assert!(vault.bearer(&revoked).await.unwrap().is_some());
        assert!(vault.bearer(&of_disabled).await.unwrap().is_some());
        assert!(matches!(vault.visit_by_token(CLINIC, &opened.token, NOW).await.unwrap(), VisitLookup::Open(_)));
        assert!(vault.subject_key(CLINIC, subject(1)).await.unwrap().is_some());
    }

    a.close_session(&signed_in).await.unwrap();
    assert_eq!(b.session(&signed_in, NOW).await.unwrap(), SessionLookup::Unknown);
    a.revoke_bearer(CLINIC, id(1), NOW).await.unwrap();
    assert!(b.bearer(&revoked).await.unwrap().is_none());
    b.set_disabled(member(1), true, NOW).await.unwrap();
    assert_eq!(a.session(&signed_in_too, NOW).await.unwrap(), SessionLookup::Unknown);
    assert!(a.bearer(&of_disabled).await.unwrap().is_none());
    a.destroy_subjects(CLINIC, &[subject(1)], NOW).await.unwrap();
    assert!(b.subject_key(CLINIC, subject(1)).await.unwrap().is_none());
    assert!(b.subject_keys(CLINIC, &[subject(1)]).await.unwrap().is_empty());
    assert!(matches!(b.create_subject(CLINIC, subject(1), NOW).await, Err(VaultError::Gone)));
    assert!(matches!(b.visit_by_token(CLINIC, &opened.token, NOW).await.unwrap(), VisitLookup::Unknown));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_visitor_typed_on_one_node_is_there_on_the_other() {
    let nodes = Nodes::new(2).await;
    let opened = nodes.vaults[0].open_visit(visit(1)).await.unwrap();
    for turn in 0..6_u8 {
        let [here, there] = [&nodes.vaults[usize::from(turn % 2)], &nodes.vaults[usize::from(1 - turn % 2)]];
        here.keep_visit_draft(&opened.visit, 1, &Phi::new(vec![turn])).await.unwrap();
        let VisitLookup::Open(found) = there.visit_by_token(CLINIC, &opened.token, NOW).await.unwrap() else {
            panic!("it is open")
        };
        assert_eq!(there.visit_draft(&found).await.unwrap().unwrap().1.expose(), &[turn]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_key_or_command_or_invitation_from_all_nodes_at_once_is_one() {
    let nodes = Nodes::new(3).await;
    for n in 0..10 {
        let keys = nodes
            .race(4, move |vault| async move { *vault.create_subject(CLINIC, subject(n), NOW).await.unwrap().expose() })
            .await;
        assert!(keys.iter().all(|key| *key == keys[0]));
        let command = CommandId::from_bytes(id(n));
        let came =
            nodes.race(4, move |vault| async move { vault.remember(command, [1; 32], NOW).await.unwrap() }).await;
        assert_eq!(came.iter().filter(|came| **came == Remembered::New).count(), 1, "{came:?}");
        let other = nodes.vaults[usize::try_from(n % 3).unwrap()].remember(command, [2; 32], NOW).await.unwrap();
        assert_eq!(other, Remembered::Different);
        let email = text(&format!("m{n}@example.org"));
        let link = nodes.vaults[0].invite(member(n), &email, NOW, NOW.plus_minutes(5)).await.unwrap();
        let used = nodes
            .race(4, move |vault| {
                let link = link.clone();
                async move { vault.redeem_invitation(&link, NOW).await.unwrap() }
            })
            .await;
        assert_eq!(used.iter().flatten().count(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_contact_has_one_quota_and_its_share_of_codes_whichever_node_it_comes_to() {
    let nodes = Nodes::new(3).await;
    for round in 0..5_u8 {
        let next = Arc::new(std::sync::atomic::AtomicU32::new(0));
        let quotas =
            nodes
                .race(5, move |vault| {
                    let who = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let who = subject(1_000 + u128::from(round) * 100 + u128::from(who));
                    async move {
                        vault.take_contact_quotas(CLINIC, who, &[[round; 32]], NOW.plus_minutes(60)).await.unwrap()
                    }
                })
                .await;
        assert!(quotas.iter().all(|quota| *quota == quotas[0]), "{quotas:?}");

        // Visits of their own, one telephone: within an hour it gets five codes, from wherever.
        let next = Arc::new(std::sync::atomic::AtomicU32::new(0));
        let sent = nodes
            .race(5, move |vault| {
                let n = u128::from(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
                let new = visit(10_000 + u128::from(round) * 100 + n);
                async move {
                    let visit = vault.open_visit(new).await.unwrap().visit;
                    let contact = format!("+1514555010{round}");
                    let content = |digits: &str| Phi::new(digits.as_bytes().to_vec());
                    vault.send_code(&visit, MessageChannel::Sms, &contact, NOW, content).await.unwrap()
                }
            })
            .await;
        let queued = sent.iter().filter(|sent| matches!(sent, SentCode::Queued(_))).count();
        assert_eq!(queued, 5, "{sent:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_code_is_good_once_and_for_five_tries_over_all_nodes() {
    let nodes = Nodes::new(2).await;
    let send = async |visit| {
        let digits = Arc::new(std::sync::Mutex::new(String::new()));
        let drawn = Arc::clone(&digits);
        let content = move |code: &str| {
            *drawn.lock().unwrap() = code.to_owned();
            Phi::new(code.as_bytes().to_vec())
        };
        nodes.vaults[0].send_code(visit, MessageChannel::Sms, "+15145550100", NOW, content).await.unwrap();
        digits.lock().unwrap().clone()
    };
    let first = nodes.vaults[0].open_visit(visit(1)).await.unwrap().visit;
    let right = send(&first).await;
    let visit_of = first.clone();
    let redeemed = nodes
        .race(2, move |vault| {
            let (visit, digits) = (visit_of.clone(), right.clone());
            async move { vault.redeem_code(&visit, &digits, NOW).await.unwrap() }
        })
        .await;
    assert_eq!(redeemed.iter().filter(|one| matches!(one, Redeemed::Proven(_))).count(), 1, "{redeemed:?}");

    let second = nodes.vaults[0].open_visit(visit(2)).await.unwrap().visit;
    let right = send(&second).await;
    let wrong = if right == "000000" { "000001" } else { "000000" };
    let visit_of = second.clone();
    let tried = nodes
        .race(6, move |vault| {
            let visit = visit_of.clone();
            async move { vault.redeem_code(&visit, wrong, NOW).await.unwrap() }
        })
        .await;
    assert_eq!(tried.iter().filter(|one| **one == Redeemed::Wrong).count(), 5, "{tried:?}");
    assert_eq!(nodes.vaults[1].redeem_code(&second, &right, NOW).await.unwrap(), Redeemed::Over);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_is_claimed_by_one_node_and_a_cursor_moved_by_one() {
    let nodes = Nodes::new(3).await;
    nodes.vaults[0].begin_cursor("test", Position(0)).await.unwrap();
    for n in 0..10_u64 {
        let intent = move |event: u64| Intent {
            id: id(u128::from(n * 100 + event)),
            clinic: CLINIC,
            kind: MessageKind::Booking,
            appointment: AppointmentId::from_bytes(id(u128::from(n))),
            agenda: AgendaId::from_bytes([4; 16]),
            date: WallDate(20_000),
            position: Position(n * 10 + event),
            own_act: false,
            caused_at: NOW,
        };
        let moved = nodes
            .race(3, move |vault| async move {
                let intents = [intent(1), intent(2)];
                vault.post("test", (Position(n), Position(n + 1)), &intents).await.is_ok()
            })
            .await;
        assert_eq!(moved.iter().filter(|moved| **moved).count(), 1);
        let waiting = nodes.vaults[1].waiting(NOW, 10).await.unwrap();
        assert_eq!(waiting.len(), 1, "one for the appointment");
        let one = waiting[0];
        let claims =
            nodes.race(3, move |vault| async move { vault.claim(&one, NOW, NOW.plus_minutes(5)).await.unwrap() }).await;
        let claims: Vec<_> = claims.into_iter().flatten().collect();
        assert_eq!(claims.len(), 1);
        // It sleeps until its claim has run out, another node takes over, and what the sleeper says counts no more.
        let later = NOW.plus_minutes(6);
        let taken = nodes.vaults[2].claim(&one, later, later.plus_minutes(5)).await.unwrap().unwrap();
        let outcome = booking_engine::vault::MessageOutcome::NotDue("test");
        let late = nodes.vaults[0].finish(&claims[0], outcome, later).await;
        assert!(matches!(late, Err(VaultError::Gone)), "{late:?}");
        nodes.vaults[2].finish(&taken, outcome, later).await.unwrap();
    }
}

/// Both kinds of key are replaced on one node while the others open visits, make keys, register clinics and erase.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn keys_are_replaced_on_one_node_while_the_others_work() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let nodes = Nodes::new(3).await;
    let stop = Arc::new(AtomicBool::new(false));
    let clinic = |n: u128| ClinicId::from_bytes((5_u128 << 100 | n).to_be_bytes());
    let work = |worker: u128| {
        let (vault, stop) = (Arc::clone(&nodes.vaults[usize::try_from(worker).unwrap()]), Arc::clone(&stop));
        tokio::spawn(async move {
            let (mut made, mut known) = (0_u128, Vec::new());
            while !stop.load(Ordering::Relaxed) {
                made += 1;
                let of = worker << 64 | made;
                let opened = vault.open_visit(visit(of)).await.unwrap();
                vault.keep_visit_draft(&opened.visit, 1, &Phi::new(b"draft".to_vec())).await.unwrap();
                vault.create_clinic(clinic(of), NOW).await.unwrap();
                if made % 5 == 0 {
                    vault.destroy_subjects(CLINIC, &[subject(of)], NOW).await.unwrap();
                } else {
                    known.push((of, *opened.key.expose()));
                }
            }
            (made, known)
        })
    };
    let workers = [work(1), work(2)];
    for _ in 0..3 {
        let next = nodes.vaults[0].prepare_root().await.unwrap();
        for dir in &nodes.dirs[1..] {
            fs::copy(&next, dir.path().join(next.file_name().unwrap())).unwrap();
        }
        nodes.vaults[0].rotate_root().await.unwrap();
        nodes.vaults[0].rotate_clinic(CLINIC, NOW).await.unwrap();
        for vault in &nodes.vaults {
            vault.finish_rotations(NOW).await.unwrap();
        }
    }
    stop.store(true, Ordering::Relaxed);
    let done: Vec<_> = join_all(workers).await.into_iter().map(Result::unwrap).collect();
    let keys: Vec<_> = nodes.dirs.iter().map(|dir| fs::read(dir.path().join(ROOT_KEY_FILE)).unwrap()).collect();
    assert!(keys.iter().all(|key| *key == keys[0]), "every node has the newest root key in its place");
    assert!(done.iter().all(|(made, _)| *made > 3), "work went on");
    for (worker, (made, known)) in (1_u128..).zip(&done) {
        for vault in &nodes.vaults {
            for (of, key) in known {
                let found = vault.subject_key(CLINIC, subject(*of)).await.unwrap().unwrap();
                assert_eq!(found.expose(), key);
            }
            vault.clinic_keys(clinic(worker << 64 | made)).await.unwrap();
        }
    }
    let mut conn = sqlx::PgConnection::connect(&nodes.url).await.unwrap();
    let old = "SELECT count(*) FROM subject_keys WHERE wrapped IS NOT NULL AND wrapped_under < 4";
    let old: i64 = sqlx::query(old).fetch_one(&mut conn).await.unwrap().get(0);
    assert_eq!(old, 0, "a key was left under an older version");
}

/// The server drops every connection again and again while keys are made: nothing that was acknowledged is lost, and
/// nobody is told that it failed.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn lost_connections_lose_nothing_that_was_acknowledged() {
    use std::sync::atomic::{AtomicBool, Ordering};
    let nodes = Nodes::new(2).await;
    let stop = Arc::new(AtomicBool::new(false));
    let work = |worker: u128| {
        let (vault, stop) = (Arc::clone(&nodes.vaults[usize::try_from(worker % 2).unwrap()]), Arc::clone(&stop));
        tokio::spawn(async move {
            let mut made = 0_u128;
            while !stop.load(Ordering::Relaxed) {
                // Only writes: a read that lost its connection is an error to its caller, who asks again.
                vault.open_visit(visit(worker << 64 | made)).await.unwrap();
                vault.keep_subject(CLINIC, subject(worker << 64 | made)).await.unwrap();
                made += 1;
            }
            made
        })
    };
    // The keys of the clinic are in memory from here on, for longer than this takes.
    for vault in &nodes.vaults {
        vault.clinic_keys(CLINIC).await.unwrap();
    }
    let workers: Vec<_> = (0..4).map(work).collect();
    for _ in 0..15 {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        throwaway_postgres::server().disconnect_all(&nodes.url).await;
    }
    stop.store(true, Ordering::Relaxed);
    let made: Vec<u128> = join_all(workers).await.into_iter().map(Result::unwrap).collect();
    assert!(made.iter().sum::<u128>() > 40, "{made:?}");
    let vault = open(nodes.dirs[0].path(), Some(&nodes.url), 99).await.unwrap().0;
    for (worker, made) in (0_u128..).zip(made) {
        let all: Vec<_> = (0..made).map(|n| subject(worker << 64 | n)).collect();
        assert_eq!(vault.subject_keys(CLINIC, &all).await.unwrap().len(), all.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_nodes_that_start_together_on_an_empty_database_one_makes_the_root_key() {
    let url = throwaway_postgres::database().await;
    let dirs: Vec<_> = (0..5).map(|_| tempfile::tempdir().unwrap()).collect();
    let opened = join_all((0..).zip(&dirs).map(|(n, dir)| open(dir.path(), Some(&url), n))).await;
    let made = opened.iter().filter(|opened| matches!(opened, Ok((_, Created::Made)))).count();
    assert_eq!(made, 1, "{opened:?}");
    for (opened, dir) in opened.iter().zip(&dirs) {
        assert_eq!(
            dir.path().join(ROOT_KEY_FILE).exists(),
            opened.is_ok(),
            "a root key that opens nothing is not left"
        );
        assert!(opened.is_ok() || matches!(opened, Err(VaultError::MissingRootKey { .. })), "{opened:?}");
    }
}

/// Whoever slept past the end of a lease does not know it: what is written under it changes nothing.
#[tokio::test(flavor = "multi_thread")]
async fn a_lease_is_one_nodes_until_it_dies_and_a_sleeper_that_wakes_can_do_nothing() {
    let nodes = Nodes::new(3).await;
    let lasts = std::time::Duration::from_millis(1_500);
    let taken = nodes.race(4, move |vault| async move { vault.lease("signing", lasts).await.unwrap() }).await;
    let mut held: Vec<_> = taken.into_iter().flatten().collect();
    held.dedup();
    let [of_the_first] = held.as_slice() else { panic!("{held:?}") };
    let mut first = 0;
    for (n, vault) in nodes.vaults.iter().enumerate() {
        if vault.lease("signing", lasts).await.unwrap().is_some() {
            first = n;
        }
    }
    let [a, b] = [&nodes.vaults[first], &nodes.vaults[(first + 1) % 3]];
    a.publish_checkpoint(of_the_first, 10, "ten").await.unwrap();
    assert_eq!(b.published_checkpoint().await.unwrap(), Some((10, "ten".to_owned())));
    let smaller = a.publish_checkpoint(of_the_first, 9, "nine").await;
    assert!(matches!(smaller, Err(VaultError::Gone)), "{smaller:?}");
    // It renews, and nobody else gets it.
    for _ in 0..3 {
        tokio::time::sleep(std::time::Duration::from_millis(900)).await;
        assert_eq!(a.lease("signing", lasts).await.unwrap(), Some(*of_the_first));
        assert_eq!(b.lease("signing", lasts).await.unwrap(), None);
    }
    // It falls asleep.
    tokio::time::sleep(std::time::Duration::from_millis(1_700)).await;
    let asleep = a.publish_checkpoint(of_the_first, 11, "eleven").await;
    assert!(matches!(asleep, Err(VaultError::Gone)), "{asleep:?}");
    let of_the_second = b.lease("signing", lasts).await.unwrap().expect("it is free");
    let late = a.publish_checkpoint(of_the_first, 12, "by a sleeper").await;
    assert!(matches!(late, Err(VaultError::Gone)), "{late:?}");
    b.publish_checkpoint(&of_the_second, 12, "twelve").await.unwrap();
    assert_eq!(a.published_checkpoint().await.unwrap(), Some((12, "twelve".to_owned())));
    assert_eq!(a.lease("signing", lasts).await.unwrap(), None);
    // It stops in order, and nobody waits.
    b.give_leases_back().await.unwrap();
    let again = a.lease("signing", lasts).await.unwrap().expect("it was given back");
    assert_ne!(again, *of_the_first, "the number of a new holder");
    let other = b.publish_checkpoint(&of_the_second, 13, "after giving back").await;
    assert!(matches!(other, Err(VaultError::Gone)), "{other:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn turns_are_taken_one_node_at_a_time() {
    use std::sync::atomic::{AtomicU32, Ordering};
    let nodes = Nodes::new(3).await;
    let inside = Arc::new(AtomicU32::new(0));
    nodes
        .race(1, move |vault| {
            let inside = Arc::clone(&inside);
            async move {
                for _ in 0..5 {
                    let turn = vault.turn("door", std::time::Duration::from_secs(10)).await.unwrap().unwrap();
                    assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two at once");
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                    inside.fetch_sub(1, Ordering::SeqCst);
                    vault.give_back(turn).await.unwrap();
                }
            }
        })
        .await;
}
