//! Invitations, passwords, sessions and machine tokens.

use super::*;
use booking_engine::vault::{ABSOLUTE_MINUTES, IDLE_MINUTES, NewBearer, SessionLookup, Token};

on_both!(
    an_invitation_works_once_and_not_after_its_end,
    a_password_opens_only_the_clinics_where_it_is_right_and_the_member_enabled,
    a_session_idles_out_and_ends_after_twelve_hours_of_use,
    closing_a_session_and_a_new_password_end_it_at_once,
    a_machine_token_works_until_it_is_revoked,
);

async fn an_invitation_works_once_and_not_after_its_end(on: On) {
    let given = Given::a_vault(on).await;
    let hour = NOW.plus_minutes(60);
    let invite = async |n| given.vault.invite(member(n), &text(&format!("m{n}@example.org")), NOW, hour).await.unwrap();
    let (used, late, replaced) = (invite(1).await, invite(2).await, invite(3).await);
    let newer = invite(3).await;
    let redeem = async |token: &Token, now| given.vault.redeem_invitation(token, now).await.unwrap();
    assert_eq!(redeem(&late, hour).await, None);
    let both = futures::future::join(redeem(&used, NOW), redeem(&used, NOW)).await;
    assert!(matches!(both, (Some(_), None) | (None, Some(_))), "{both:?}");
    assert_eq!(redeem(&used, NOW).await, None);
    assert_eq!(redeem(&replaced, NOW).await, None);
    assert_eq!(redeem(&newer, NOW).await, Some(member(3)));
}

async fn a_password_opens_only_the_clinics_where_it_is_right_and_the_member_enabled(on: On) {
    let given = Given::a_vault(on).await;
    let vault = &given.vault;
    vault.create_clinic(OTHER_CLINIC, NOW).await.unwrap();
    let elsewhere = Staff { clinic: OTHER_CLINIC, member: MemberId::from_bytes(id(9)) };
    let (email, right) = (text("Chef@Example.org"), text("correct horse battery"));
    for (staff, password) in [(member(1), "correct horse battery"), (elsewhere, "another one entirely")] {
        vault.invite(staff, &email, NOW, NOW).await.unwrap();
        vault.set_password(staff, &text(password), NOW).await.unwrap();
    }
    let verify = async |clinic, email: &str, password: &Phi<String>| {
        vault.verify_password(clinic, &text(email), password).await.unwrap()
    };
    assert_eq!(verify(None, " chef@example.ORG ", &right).await, [member(1)]);
    assert_eq!(verify(Some(CLINIC), "chef@example.org", &right).await, [member(1)]);
    assert_eq!(verify(Some(OTHER_CLINIC), "chef@example.org", &right).await, []);
    assert_eq!(verify(None, "chef@example.org", &text("wrong")).await, []);
    assert_eq!(verify(None, "nobody@example.org", &right).await, []);
    let taken = vault.invite(member(2), &email, NOW, NOW).await;
    assert!(matches!(taken, Err(VaultError::Exists)), "one address, one member in a clinic");
    let moved = vault.invite(Staff { clinic: OTHER_CLINIC, ..member(1) }, &text("x@y.z"), NOW, NOW).await;
    assert!(matches!(moved, Err(VaultError::Gone)), "a member does not move to another clinic");

    let session = vault.open_session(member(1), NOW).await.unwrap();
    vault.set_disabled(member(1), true, NOW).await.unwrap();
    assert_eq!(verify(None, "chef@example.org", &right).await, []);
    assert_eq!(vault.session(&session, NOW).await.unwrap(), SessionLookup::Unknown);
    vault.set_disabled(member(1), false, NOW).await.unwrap();
    assert_eq!(verify(None, "chef@example.org", &right).await, [member(1)]);
}

async fn a_session_idles_out_and_ends_after_twelve_hours_of_use(on: On) {
    let given = Given::a_vault(on).await;
    let look = async |given: &Given, token: &Token, minutes| {
        let found = given.vault.session(token, NOW.plus_minutes(minutes)).await.unwrap();
        given.settled().await;
        found
    };
    let idle = given.vault.open_session(member(1), NOW).await.unwrap();
    assert!(matches!(look(&given, &idle, IDLE_MINUTES - 1).await, SessionLookup::Open(_)));
    assert!(matches!(look(&given, &idle, 2 * IDLE_MINUTES - 2).await, SessionLookup::Open(_)));
    assert_eq!(look(&given, &idle, 3 * IDLE_MINUTES - 2).await, SessionLookup::Expired);

    let busy = given.vault.open_session(member(1), NOW).await.unwrap();
    let mut given = given;
    for minutes in (0..ABSOLUTE_MINUTES).step_by(10) {
        if minutes == 300 {
            given = given.reopened().await;
        }
        given.vault.purge_sessions(NOW.plus_minutes(minutes)).await.unwrap();
        assert!(matches!(look(&given, &busy, minutes).await, SessionLookup::Open(_)), "{minutes}");
    }
    assert_eq!(look(&given, &busy, ABSOLUTE_MINUTES).await, SessionLookup::Expired);
    given.vault.purge_sessions(NOW.plus_minutes(ABSOLUTE_MINUTES)).await.unwrap();
    assert_eq!(look(&given, &busy, ABSOLUTE_MINUTES).await, SessionLookup::Unknown);
}

async fn closing_a_session_and_a_new_password_end_it_at_once(on: On) {
    let given = Given::a_vault(on).await;
    given.vault.invite(member(1), &text("a@example.org"), NOW, NOW).await.unwrap();
    let [closed, other] = [(), ()].map(|()| given.vault.open_session(member(1), NOW));
    let (closed, other) = (closed.await.unwrap(), other.await.unwrap());
    given.vault.close_session(&closed).await.unwrap();
    assert_eq!(given.vault.session(&closed, NOW).await.unwrap(), SessionLookup::Unknown);
    assert!(matches!(given.vault.session(&other, NOW).await.unwrap(), SessionLookup::Open(_)));
    given.vault.set_password(member(1), &text("a new password"), NOW).await.unwrap();
    assert_eq!(given.vault.session(&other, NOW).await.unwrap(), SessionLookup::Unknown);
}

async fn a_machine_token_works_until_it_is_revoked(on: On) {
    let given = Given::a_vault(on).await;
    let bearer = |n| NewBearer {
        id: id(n),
        clinic: CLINIC,
        member: member(n).member,
        role: 2,
        label: "kiosk".into(),
        created_at: NOW,
    };
    let token = given.vault.issue_bearer(bearer(1)).await.unwrap();
    let of_disabled = given.vault.issue_bearer(bearer(2)).await.unwrap();
    assert_eq!(given.vault.bearer(&token).await.unwrap().unwrap().role, 2);
    assert!(!given.vault.revoke_bearer(OTHER_CLINIC, id(1), NOW).await.unwrap());
    assert!(given.vault.bearer(&token).await.unwrap().is_some());
    assert!(given.vault.revoke_bearer(CLINIC, id(1), NOW).await.unwrap());
    assert!(given.vault.bearer(&token).await.unwrap().is_none());
    assert_eq!(given.vault.bearers(CLINIC).await.unwrap().iter().filter(|b| b.revoked_at.is_some()).count(), 1);

    given.vault.bearer(&of_disabled).await.unwrap().unwrap();
    given.vault.invite(member(2), &text("m@example.org"), NOW, NOW).await.unwrap();
    given.vault.set_disabled(member(2), true, NOW).await.unwrap();
    assert!(given.vault.bearer(&of_disabled).await.unwrap().is_none());
}
